"""`p2pchat settings`: what you can switch on and off."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import session_of
from p2pchat_cli.style import dim, good
from p2pchat_cli.text import columns


class Name(StrEnum):
    """What there is to switch."""

    receipts = "receipts"
    typing = "typing"


class Switch(StrEnum):
    """Where it can stand."""

    on = "on"
    off = "off"


def show(ctx: typer.Context) -> None:
    """All of them."""
    session = session_of(ctx)
    _answer(ctx, session.call("settings.show", s.Nothing(), s.Settings))


def change(
    ctx: typer.Context,
    name: Annotated[Name, typer.Argument(metavar="NAME", help="receipts or typing.")],
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="What it is from now on.")],
) -> None:
    """It holds for all your private chats."""
    session, on = session_of(ctx), switch is Switch.on
    params = s.SetSettings(read_receipts=on) if name is Name.receipts else s.SetSettings(typing=on)
    _answer(ctx, session.call("settings.set", params, s.Settings))


def _answer(ctx: typer.Context, found: s.Settings) -> None:
    rows = [
        ("receipts", found.read_receipts, "contacts are told what you have read"),
        ("typing", found.typing, "contacts are told that you are typing, and you of them"),
    ]
    lines = columns([(name, good("on") if on else "off", dim(what)) for name, on, what in rows])
    session_of(ctx).answer(found, lines)
