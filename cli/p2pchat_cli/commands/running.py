"""`p2pchat run`, `stop`: the node's process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NetworkError, StoreError, UsageError
from p2pchat.home import Home
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session

_STOP_S: Final = 15.0  # a node that stops says farewell to its peers first
_POLL_S: Final = 0.05

ListenOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ADDRESS",
        help="Where to listen, such as /ip4/0.0.0.0/tcp/4001; may be repeated [default: as last time].",
        show_default=False,
    ),
]


class Way(StrEnum):
    """A way to find others or to be found."""

    none = "none"
    table = "table"
    rendezvous = "rendezvous"
    exchange = "exchange"
    relays = "relays"
    lan = "lan"
    port_mapping = "port-mapping"


WithoutOption = Annotated[
    list[Way] | None,
    typer.Option(
        "--without",
        help="Do not use the network's table, rendezvous at bootstrap nodes, the exchange of addresses with "
        "contacts, relays, the LAN (mDNS), or the router's port mapping (UPnP); may be repeated; none: use "
        "all [default: as last time].",
        show_default=False,
    ),
]


RelayOption = Annotated[
    bool,
    typer.Option("--relay", help="Pass on calls to people who cannot be dialled, while you can be."),
]


ProxyOption = Annotated[
    str | None,
    typer.Option(
        "--tor-socks",
        metavar="HOST:PORT|off",
        help="Dial through this SOCKS5 proxy alone, such as Tor's 127.0.0.1:9050; tell nobody where this "
        "node is and listen nowhere; off: dial directly again [default: as last time].",
        show_default=False,
    ),
]


def run(
    ctx: typer.Context,
    listen: ListenOption = None,
    detach: Annotated[bool, typer.Option("--detach", help="Run it in the background.")] = False,
    without: WithoutOption = None,
    relay: RelayOption = False,
    tor_socks: ProxyOption = None,
) -> None:
    """In the foreground it logs to stderr until ^C, detached to node.log; --offline keeps it off networks."""
    session = session_of(ctx)
    offline, session.offline = session.offline, False
    if session.node_runs():
        raise StoreError(f"A node already runs on {session.home.directory}: stop it with `p2pchat stop`.")
    if not session.home.store.exists() and not session.home.key_file.exists():
        raise UsageError(f"There is no profile in {session.home.directory}: make one with `p2pchat init`.")
    if detach:
        from p2pchat_cli.detach import start

        options = [*_option("--listen", listen or []), *_option("--without", without or [])]
        options += [*["--relay"] * relay, *["--offline"] * offline]
        options += _option("--tor-socks", [tor_socks] if tor_socks is not None else [])
        start(session, options)
        return
    secret = session.store_passphrase()
    # trio and, once the home is known to be good, libp2p: seconds.
    from p2pchat import daemon, logs

    logs.configure()
    ways = frozenset(way.value for way in without if way is not Way.none) if without else None
    daemon.main(
        session.home,
        listen=tuple(listen or ()),
        passphrase=secret or "",
        without=ways,
        relays_for_others=relay,
        offline=offline,
        proxy=tor_socks,
    )


def start(
    ctx: typer.Context,
    listen: ListenOption = None,
    without: WithoutOption = None,
    relay: RelayOption = False,
    tor_socks: ProxyOption = None,
) -> None:
    """As `p2pchat run --detach`: returns when it answers."""
    run(ctx, listen, True, without, relay, tor_socks)


def stop(ctx: typer.Context) -> None:
    """Returns when the node is gone; what is not delivered yet stays queued."""
    session = session_of(ctx)
    if not session.node_runs():
        raise NetworkError("The node is not running.")
    done = session.call("node.stop", s.Nothing(), s.Done)
    session.close()
    _await_end(session)
    session.answer(done, ["Stopped."])


def _option(name: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (name, str(value))]


def _is_held(home: Home) -> bool:
    try:
        with home.hold():
            return False
    except StoreError:
        return True


def _await_end(session: Session) -> None:
    deadline = time.monotonic() + _STOP_S
    while _is_held(session.home):
        if time.monotonic() > deadline:
            raise NetworkError(f"The node has not ended within {_STOP_S:.0f} s: see its log.")
        time.sleep(_POLL_S)
