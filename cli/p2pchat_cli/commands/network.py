"""`p2pchat network`: which network the node belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.config import LINK_PREFIX, MAX_TEXT
from p2pchat.errors import UsageError
from p2pchat_cli.options import session_of
from p2pchat_cli.style import bold, dim


def join(
    ctx: typer.Context,
    network: Annotated[
        str,
        typer.Argument(
            metavar="FILE|LINK", help=f"A network file, or the link {LINK_PREFIX}... that stands for one."
        ),
    ],
) -> None:
    """Keep the network; a running node takes it up when it is started anew."""
    session = session_of(ctx)
    text = network if network.startswith(LINK_PREFIX) else _read(Path(network))
    joined = session.call("network.join", s.JoinNetwork(text=text), s.NetworkInfo)
    lines = [f"Joined the network {bold(joined.name)}."]
    if session.node_runs():
        lines.append("The running node takes it up when you start it anew: p2pchat stop, then p2pchat run.")
    session.answer(joined, lines)


def show(ctx: typer.Context) -> None:
    """Name, bootstrap addresses and the link."""
    session = session_of(ctx)
    network = session.call("network.show", s.Nothing(), s.NetworkInfo)
    session.answer(network, _lines(network))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_TEXT + 1)
    except OSError as error:
        raise UsageError(f"The network file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The network file {path} is not text.") from error


def _lines(network: s.NetworkInfo) -> Iterator[str]:
    yield f"network    {bold(network.name)}{dim(' (with a pre-shared key)') if network.private else ''}"
    for address in network.bootstrap or ["none: only peers on the same local network are found"]:
        yield f"bootstrap  {address}"
    yield f"link       {network.link}"
    if network.private:
        yield dim("The link holds the network's key: give it only to those who may join.")
