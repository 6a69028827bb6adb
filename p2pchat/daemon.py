"""The process that hosts a node: home, network, node, local API and signals under one nursery."""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from itertools import groupby
from typing import Any, Final

import trio

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.backend import Call, Outcome
from p2pchat.api.client import Client
from p2pchat.api.http.access import Access
from p2pchat.api.http.service import HttpService
from p2pchat.api.methods import WHOLE
from p2pchat.api.server import serve
from p2pchat.api.stored import StoredMethods
from p2pchat.config import Home, NetworkFile
from p2pchat.core.ids import DeviceId
from p2pchat.errors import InUseError, NetworkError, NotFoundError, P2PChatError
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.network import PeerStatus
from p2pchat.net.relay.limits import RelayLimits
from p2pchat.node.address_book import StoredAddressBook
from p2pchat.node.effects import Passing
from p2pchat.node.features.people.names import find_person
from p2pchat.node.links import Absence
from p2pchat.node.listeners import News
from p2pchat.node.node import Node, running_node
from p2pchat.node.profile import Profile, require_network
from p2pchat.store import events, meta, people
from p2pchat.store.database import Database
from p2pchat.store.transaction import Reader

logger = logging.getLogger(__name__)

ANY_PORT: Final = "/ip4/0.0.0.0/tcp/0"
_LISTEN: Final = "listen"  # in the store: where this node listened last
_WILLING: Final = RelayLimits(reservations=32, circuits=16, circuits_per_device=4)  # a person's own line
_WITHOUT: Final = "without"  # in the store: the ways to find others that this node does not use
_WEB: Final = "web"  # in the store: whether HTTP is on, and for whom
PATIENCE_S: Final = 5.0  # for an offline command to end
_PAGE: Final = 500  # stored events read at a time for a listener that was away


def main(
    home: Home,
    *,
    listen: tuple[str, ...] = (),
    passphrase: str = "",
    without: frozenset[str] | None = None,
    relays_for_others: bool = False,
) -> None:
    """Run the node of `home` until it is told to stop.

    `without` names ways to find others and be found that are not to be used: table, rendezvous, exchange,
    relays, lan, port-mapping. None: those that were not used last time. With `relays_for_others`, calls to
    devices that cannot be dialled are passed on while this node can be.

    Raises:
        UsageError: no profile, or no network was joined.
        StoreError: the home is in use, or its store does not open.
        NetworkError: an address cannot be listened on.
    """
    with ExitStack() as stack:
        profile = stack.enter_context(_open_patiently(home, passphrase))
        network = require_network(home)
        try:
            trio.run(_run, profile, network, listen, without, relays_for_others)
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
) -> None:
    from p2pchat.net.libp2p_network import open_network  # takes a second: not before the home is ours

    book = StoredAddressBook(profile.database, profile.app.now_ms)
    addresses = listen or _last_listen(profile.database) or (ANY_PORT,)
    without = _remembered_ways(profile.database, without)
    config = NetworkConfig(
        key=profile.app.key,
        name=network.name,
        listen=addresses,
        bootstrap=network.bootstrap,
        psk=bytes.fromhex(network.pre_shared_key) if network.pre_shared_key else None,
        address_book=book,
        reach=_reach(addresses, without, relays_for_others),
    )
    async with open_network(config) as overlay, trio.open_nursery() as nursery:
        _remember_listen(profile.database, addresses, overlay.state().listening)
        async with running_node(
            profile.app, profile.database, overlay, book, exchanges="exchange" not in without
        ) as node:
            daemon = Daemon(profile, node, network, nursery)
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


def _reach(addresses: tuple[str, ...], without: frozenset[str], relays_for_others: bool) -> Reach:
    """The ways to be used. A node that listens on loopback alone has no business on the LAN."""
    outside = any(not address.startswith(("/ip4/127.", "/ip6/::1/")) for address in addresses)
    return Reach(
        table="table" not in without,
        rendezvous="rendezvous" not in without,
        relays="relays" not in without,
        lan=outside and "lan" not in without,
        port_mapping=outside and "port-mapping" not in without,
        relay_for_others=_WILLING if relays_for_others else None,
    )


class Daemon:
    """The running node as the backend of the local API."""

    def __init__(self, profile: Profile, node: Node, network: NetworkFile, nursery: trio.Nursery) -> None:
        self._profile = profile
        self._node = node
        self._stored = StoredMethods(profile.app, node.store)
        self._bootstrap = {address.rpartition("/p2p/")[2] for address in network.bootstrap}
        self._scope = nursery.cancel_scope
        kept = profile.database.read(lambda tx: meta.get(tx, _WEB))
        self.http = HttpService(Access(kept, profile.app.now_ms), self, self._keep_web, nursery)
        self._live: dict[str, Callable[[Any], Awaitable[s.Result]]] = {
            "node.stop": self._stop,
            "node.net": self._net,
            "node.ping": self._ping,
            "node.connect": self._connect,
            "node.status": self._status,
            "contact.list": self._contacts,
            "chat.typing": self._typing,
            "web.open": self._web_open,
            "web.token": self._web_token,
            "web.close": self._web_close,
            "mailbox.usage": self._mailboxes,
        }

    async def call(self, method: str, params: s.Params) -> s.Result:
        """Carry out a method of the table."""
        if method in self._live:
            return await self._live[method](params)
        if method in WHOLE:
            return await trio.to_thread.run_sync(WHOLE[method], self._profile, params)
        return await self._stored.call(method, params)

    async def call_each(self, calls: Sequence[Call]) -> AsyncGenerator[list[Outcome], None]:
        """Carry out methods of the table in their order; those of the store together."""
        for is_stored, group in groupby(calls, key=lambda call: self._is_stored(call[0])):
            if is_stored:
                async with aclosing(self._stored.call_each(list(group))) as answered:
                    async for outcomes in answered:
                        yield outcomes
                continue
            for method, params in group:
                try:
                    outcome: Outcome = await self.call(method, params)
                except Exception as error:
                    outcome = error
                yield [outcome]

    def _is_stored(self, method: str) -> bool:
        return method not in self._live and method not in WHOLE

    @asynccontextmanager
    async def subscribe(self, since: int) -> AsyncIterator[AsyncIterator[s.Event]]:
        """Events after the cursor `since`: first those in the store, then new ones, none twice."""
        with self._node.listeners.listen() as live:
            async with aclosing(self._events(since, live)) as told:
                yield told

    async def _events(
        self, since: int, live: trio.MemoryReceiveChannel[News]
    ) -> AsyncGenerator[s.Event, None]:
        while page := await self._page(since):
            for stored in page:
                yield views.event(stored)
            since = page[-1].seq
        async for news in live:
            if isinstance(news, Passing):  # with the cursor of what was told last, so that it stays true
                yield s.Event(seq=since, at_ms=news.at_ms, type=news.type, data=news.data)
            elif news.seq > since:
                since = news.seq
                yield views.event(news)

    async def _page(self, since: int) -> list[events.Event]:
        return await self._node.store.read(lambda tx: events.after(tx, since, limit=_PAGE))

    async def _stop(self, params: s.Nothing) -> s.Done:
        trio.lowlevel.spawn_system_task(self._cancel_soon)
        return s.Done()

    async def _cancel_soon(self) -> None:
        await trio.sleep(0.05)  # let the answer out first
        self._scope.cancel()

    async def _status(self, params: s.Nothing) -> s.Result:
        status = await self._stored.call("node.status", params)
        assert isinstance(status, s.Status)
        state = self._node.network.state()
        status.running = True
        status.listening = list(state.listening)
        status.peers = len(state.peers)
        return status

    async def _contacts(self, params: s.Nothing) -> s.Result:
        listed = await self._stored.call("contact.list", params)
        assert isinstance(listed, s.Contacts)
        here = {peer.peer for peer in self._node.network.state().peers}
        owners = await self._node.store.read(
            lambda tx: {device.person.text for id in here if (device := people.device(tx, id))}
        )
        for contact in listed.contacts:
            contact.connected = contact.person in owners
        return listed

    async def _typing(self, params: s.ChatTyping) -> s.TypingTold:
        person = await self._node.store.read(lambda tx: find_person(tx, params.chat.removeprefix("@")))
        return s.TypingTold(told=await self._node.typing.tell(person.id, typing=params.on))

    async def _net(self, params: s.Nothing) -> s.NetworkReport:
        state = self._node.network.state()
        absences = self._node.links.absences()
        devices = {peer.peer for peer in state.peers} | {absence.device for absence in absences}
        owners, without = await self._node.store.read(lambda tx: (_owners(tx, devices), _unused_ways(tx)))
        return s.NetworkReport(
            listening=list(state.listening),
            peers=[self._peer(peer, owners.get(peer.peer)) for peer in state.peers],
            counters=state.counters,
            reachability=state.reachability,
            relays=[relay.text for relay in state.relays],
            absent=sorted(
                (_absent(absence, owners.get(absence.device)) for absence in absences),
                key=lambda one: (not one.contact, one.name or "", one.device),
            ),
            without=sorted(without),
        )

    def _peer(self, peer: PeerStatus, owner: people.Person | None) -> s.Peer:
        from p2pchat.net.peers import peer_id_of

        return s.Peer(
            device=peer.peer.text,
            name=owner.petname if owner else None,
            addresses=list(peer.addresses),
            direction=peer.direction,
            bootstrap=str(peer_id_of(peer.peer)) in self._bootstrap,
        )

    async def _ping(self, params: s.Who) -> s.PingResult:
        for device in await self._devices(params.who):
            if self._node.network.is_connected(device):
                return s.PingResult(ms=1000 * await self._node.network.ping(device))
        raise NetworkError(f"{params.who} is not connected")

    async def _connect(self, params: s.Who) -> s.Done:
        reasons = []
        for device in await self._devices(params.who):
            try:
                await self._node.connect(device)
            except NetworkError as error:
                reasons.append(str(error))
            else:
                return s.Done()
        raise NetworkError(f"{params.who} cannot be reached: {'; '.join(reasons)}")

    async def _keep_web(self, state: bytes) -> None:
        await self._node.store.run(lambda tx: meta.put(tx, _WEB, state))

    async def _web_open(self, params: s.WebOpen) -> s.WebLink:
        return await self.http.open(params.port)

    async def _web_token(self, params: s.Nothing) -> s.WebToken:
        return await self.http.token()

    async def _web_close(self, params: s.Nothing) -> s.Done:
        await self.http.close()
        return s.Done()

    async def _mailboxes(self, params: s.Nothing) -> s.Mailboxes:
        listed = await self._stored.call("mailbox.list", params)
        assert isinstance(listed, s.Mailboxes)
        for mailbox in listed.mailboxes:
            await self._look_into(mailbox)
        return listed

    async def _look_into(self, mailbox: s.Mailbox) -> None:
        try:
            box = await self._node.collector.look(mailbox.address)
        except P2PChatError as error:
            mailbox.state = str(error)
            return
        mailbox.state = "ready"
        mailbox.messages = box.parcels + box.stranger_parcels
        mailbox.bytes, mailbox.limit_bytes = box.size, box.most_size
        mailbox.stranger_bytes, mailbox.stranger_limit_bytes = box.stranger_size, box.most_stranger_size

    async def _devices(self, who: str) -> list[DeviceId]:
        devices = await self._node.store.read(
            lambda tx: [device.id for device in people.devices(tx, find_person(tx, who).id)]
        )
        if not devices:
            raise NotFoundError(f"no device of {who} is known")
        return devices


def _owners(tx: Reader, devices: set[DeviceId]) -> dict[DeviceId, people.Person]:
    """Whose the devices are, as far as we know."""
    known = {id: people.device(tx, id) for id in devices}
    persons = {id: people.person(tx, device.person) for id, device in known.items() if device}
    return {id: person for id, person in persons.items() if person}


def _absent(absence: Absence, owner: people.Person | None) -> s.Absent:
    return s.Absent(
        device=absence.device.text,
        name=owner.petname if owner else None,
        contact=owner is not None and owner.state == "accepted",
        reason=absence.reason,
        retry_s=absence.retry_s,
    )


def _last_listen(database: Database) -> tuple[str, ...]:
    raw = database.read(lambda tx: meta.get(tx, _LISTEN))
    return tuple(raw.decode().split("\n")) if raw else ()


def _unused_ways(tx: Reader) -> frozenset[str]:
    return frozenset((meta.get(tx, _WITHOUT) or b"").decode().split())


def _remembered_ways(database: Database, without: frozenset[str] | None) -> frozenset[str]:
    """The ways that are not to be used: as last time if `without` is None, else these, also from now on."""
    if without is None:
        return database.read(_unused_ways)
    database.transact(lambda tx: meta.put(tx, _WITHOUT, " ".join(sorted(without)).encode()))
    return without


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
