"""`p2pchat bootstrap`: the nodes through which people of the network find each other."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NetworkError
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import bad, dim, good
from p2pchat_cli.text import columns

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="Such as /dns4/boot.example.org/tcp/4001/p2p/12D3KooW...")
]


def show_all(ctx: typer.Context) -> None:
    """And whether your node is connected with them."""
    session = session_of(ctx)
    network = session.call("network.show", s.Nothing(), s.NetworkInfo)
    connected = _connected(session)
    rows = [(address, _standing(address, connected)) for address in network.bootstrap]
    session.answer(network, columns(rows) or ["None: only peers on the same local network are found."])


def add(ctx: typer.Context, address: AddressArgument) -> None:
    """For you alone: the others of the network keep their own list."""
    _change(ctx, s.SetBootstrap(address=address), "Added.")


def remove(
    ctx: typer.Context,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="The address, or a part that only it has.")
    ],
) -> None:
    """People whom you have met are still found."""
    _change(ctx, s.SetBootstrap(address=address, on=False), "Removed.")


def _change(ctx: typer.Context, params: s.SetBootstrap, done: str) -> None:
    session = session_of(ctx)
    network = session.call("network.bootstrap", params, s.NetworkInfo)
    lines = [done]
    if session.node_runs():
        lines.append("The running node takes it up when you start it anew: p2pchat stop, then p2pchat run.")
    session.answer(network, lines)


def _connected(session: Session) -> set[str] | None:
    """Peer ids of those the node is connected with; None if it does not run."""
    if not session.node_runs():
        return None
    try:
        report = session.call("node.net", s.Nothing(), s.NetworkReport)
    except NetworkError:
        return None
    return {peer.peer_id for peer in report.peers}


def _standing(address: str, connected: set[str] | None) -> str:
    if connected is None:
        return dim("your node is not running")
    return good("connected") if address.rpartition("/p2p/")[2] in connected else bad("not connected")
