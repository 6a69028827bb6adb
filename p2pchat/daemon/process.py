"""The life of a node's process: from an open profile to the signal that ends it."""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Final

import trio

from p2pchat.api.client import Client
from p2pchat.api.server import serve
from p2pchat.config import Home, NetworkFile
from p2pchat.daemon.backend import Daemon
from p2pchat.daemon.ways import remembered_proxy, remembered_ways
from p2pchat.errors import InUseError, P2PChatError, UsageError
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.network import Network
from p2pchat.net.offline import OfflineNetwork
from p2pchat.net.relay.limits import RelayLimits
from p2pchat.node.address_book import StoredAddressBook
from p2pchat.node.node import running_node
from p2pchat.node.profile import Profile, network_of, require_network
from p2pchat.store import meta
from p2pchat.store.database import Database

logger = logging.getLogger(__name__)

ANY_PORT: Final = "/ip4/0.0.0.0/tcp/0"
_LISTEN: Final = "listen"  # in the store: where this node listened last
_WILLING: Final = RelayLimits(reservations=32, circuits=16, circuits_per_device=4)  # a person's own line
_NOWHERE: Final = NetworkFile("offline")
PATIENCE_S: Final = 5.0  # for an offline command to end


def main(
    home: Home,
    *,
    listen: tuple[str, ...] = (),
    passphrase: str = "",
    without: frozenset[str] | None = None,
    relays_for_others: bool = False,
    offline: bool = False,
    proxy: str | None = None,
) -> None:
    """Run the node of `home` until it is told to stop.

    `offline` keeps it off every network: it answers its faces, and what they write waits.

    `without` names ways to find others and be found that are not to be used: table, rendezvous, exchange,
    relays, lan, port-mapping. None: those that were not used last time. With `relays_for_others`, calls to
    devices that cannot be dialled are passed on while this node can be.

    `proxy` is the SOCKS5 proxy that every dial goes through ("off": none, None: as last time). Then this node
    listens only where it is told to, tells nobody where it is, and is called through relays alone.

    Raises:
        UsageError: no profile, no network was joined, or `proxy` is none.
        StoreError: the home is in use, or its store does not open.
        NetworkError: an address cannot be listened on.
    """
    with ExitStack() as stack:
        profile = stack.enter_context(_open_patiently(home, passphrase))
        network = (network_of(home) or _NOWHERE) if offline else require_network(home)
        try:
            trio.run(_run, profile, network, listen, without, relays_for_others, offline, proxy)
        except BaseExceptionGroup as group:
            errors = list(_leaves(group))
            bugs = [error for error in errors if not isinstance(error, P2PChatError)]
            if bugs:
                logger.critical("A bug ended the node.", exc_info=group)
            raise (bugs or errors)[0] from None


@contextmanager
def _open_patiently(home: Home, passphrase: str) -> Iterator[Profile]:
    """The profile; a command that holds the home for a moment is waited for, another node is not."""
    until = time.monotonic() + PATIENCE_S
    with ExitStack() as stack:
        while True:
            try:
                profile = stack.enter_context(Profile.open(home, passphrase))
                break
            except InUseError:
                if time.monotonic() > until or Client.connect_if_running(home.socket):
                    raise
                time.sleep(0.1)
        yield profile


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


async def _run(
    profile: Profile,
    network: NetworkFile,
    listen: tuple[str, ...],
    without: frozenset[str] | None,
    relays_for_others: bool,
    offline: bool,
    proxy: str | None,
) -> None:
    book = StoredAddressBook(profile.database, profile.app.now_ms)
    without = remembered_ways(profile.database, without)
    through = remembered_proxy(profile.database, proxy)
    if offline:
        entered = _offline(profile)
    elif through is not None:
        hidden = _hidden(listen, without, relays_for_others)
        entered = _on_line(profile, network, listen, book, hidden, through)
    else:
        addresses = listen or _last_listen(profile.database) or (ANY_PORT,)
        entered = _on_line(profile, network, addresses, book, _reach(addresses, without, relays_for_others))
    async with entered as overlay, trio.open_nursery() as nursery:
        exchanges = offline or "exchange" not in without
        async with running_node(profile.app, profile.database, overlay, book, exchanges=exchanges) as node:
            daemon = Daemon(profile, node, network, nursery, only_here=through is not None)
            await nursery.start(serve, profile.home.socket, daemon)
            await daemon.http.resume()
            _write_pid(profile.home)
            try:
                logger.info("%s is running in network '%s'.", profile.app.name, network.name)
                for address in overlay.state().listening:
                    logger.info("Listening on %s", address)
                # What stands now stays: passing over it at each full collection takes a tenth of a second.
                gc.collect()
                gc.freeze()
                await _wait_for_signal(nursery.cancel_scope)
            finally:
                profile.home.pid.unlink(missing_ok=True)
    logger.info("Stopped.")


@asynccontextmanager
async def _on_line(
    profile: Profile,
    network: NetworkFile,
    addresses: tuple[str, ...],
    book: StoredAddressBook,
    reach: Reach,
    proxy: tuple[str, int] | None = None,
) -> AsyncIterator[Network]:
    from p2pchat.net.libp2p_network import open_network  # takes a second: not before the home is ours

    config = NetworkConfig(
        key=profile.app.key,
        name=network.name,
        listen=addresses,
        bootstrap=network.bootstrap,
        psk=bytes.fromhex(network.pre_shared_key) if network.pre_shared_key else None,
        address_book=book,
        reach=reach,
        proxy=proxy,
    )
    async with open_network(config) as overlay:
        if proxy is None:
            _remember_listen(profile.database, addresses, overlay.state().listening)
        yield overlay


@asynccontextmanager
async def _offline(profile: Profile) -> AsyncIterator[Network]:
    logger.info("Kept off the network: what is written waits.")
    yield OfflineNetwork(profile.app.device)


def _reach(addresses: tuple[str, ...], without: frozenset[str], relays_for_others: bool) -> Reach:
    """The ways to be used. A node that listens on loopback alone has no business on the LAN."""
    outside = any(not _is_loopback(address) for address in addresses)
    return Reach(
        table="table" not in without,
        rendezvous="rendezvous" not in without,
        relays="relays" not in without,
        lan=outside and "lan" not in without,
        port_mapping=outside and "port-mapping" not in without,
        relay_for_others=_WILLING if relays_for_others else None,
    )


def _hidden(listen: tuple[str, ...], without: frozenset[str], relays_for_others: bool) -> Reach:
    """The ways of a node that is behind a proxy: nothing that says where it is."""
    if any(not _is_loopback(address) for address in listen):
        raise UsageError("Behind a proxy listen on loopback alone (for an onion service), or nowhere.")
    if relays_for_others:
        raise UsageError("A node behind a proxy cannot be dialled, and so passes no calls on.")
    return Reach(
        table="table" not in without,
        rendezvous="rendezvous" not in without,
        relays="relays" not in without,
        hidden=True,
    )


def _is_loopback(address: str) -> bool:
    return address.startswith(("/ip4/127.", "/ip6/::1/"))


def _last_listen(database: Database) -> tuple[str, ...]:
    raw = database.read(lambda tx: meta.get(tx, _LISTEN))
    return tuple(raw.decode().split("\n")) if raw else ()


def _remember_listen(database: Database, asked: tuple[str, ...], bound: tuple[str, ...]) -> None:
    """Keep the port that was given to us: what others remember of this node stays true after a restart."""
    ports = {address.split("/tcp/")[1].split("/")[0] for address in bound if "/tcp/" in address}
    port = min(ports, default="0")
    kept = "\n".join(
        address.removesuffix("/0") + f"/{port}" if address.endswith("/tcp/0") else address
        for address in asked
    )
    database.transact(lambda tx: meta.put(tx, _LISTEN, kept.encode()))


async def _wait_for_signal(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            logger.info("Stopping ...")
            scope.cancel()
            return


def _write_pid(home: Home) -> None:
    with suppress(OSError):
        home.pid.write_text(f"{os.getpid()}\n", encoding="ascii")
