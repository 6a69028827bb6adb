"""`p2pchat settings`: what you can switch on and off."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.options import seconds_of, session_of
from p2pchat_cli.style import dim, good
from p2pchat_cli.text import columns, lasting


class Name(StrEnum):
    """What there is to switch."""

    receipts = "receipts"
    typing = "typing"
    mentions = "mentions"
    holding = "holding"
    files = "files"
    room = "room"


_SIZES: Final = {Name.holding: 64, Name.files: 8, Name.room: 2048}  # megabytes, unless a number is given


def show(ctx: typer.Context) -> None:
    """All of them."""
    session = session_of(ctx)
    _answer(ctx, session.call("settings.show", s.Nothing(), s.Settings))


def change(
    ctx: typer.Context,
    name: Annotated[
        Name, typer.Argument(metavar="NAME", help="receipts, typing, mentions, holding, files or room.")
    ],
    switch: Annotated[
        str,
        typer.Argument(metavar="on|off", help="What it is from now on; for the last three also megabytes."),
    ],
) -> None:
    """It holds for all your chats."""
    is_size = name in _SIZES and switch.isdecimal()
    if switch not in ("on", "off") and not is_size:
        raise UsageError(f"'{switch}' is neither on nor off" + (", nor a number" * (name in _SIZES)))
    on = switch == "on"
    megabytes = int(switch) if is_size else _SIZES.get(name, 0) * on
    match name:
        case Name.holding:
            params = s.SetSettings(holding_megabytes=megabytes)
        case Name.files:
            params = s.SetSettings(fetch_megabytes=megabytes)
        case Name.room:
            params = s.SetSettings(files_megabytes=megabytes)
        case Name.receipts:
            params = s.SetSettings(read_receipts=on)
        case Name.typing:
            params = s.SetSettings(typing=on)
        case Name.mentions:
            params = s.SetSettings(mentions_only=on)
    _answer(ctx, session_of(ctx).call("settings.set", params, s.Settings))


def disturb_not(
    ctx: typer.Context,
    duration: Annotated[
        str, typer.Argument(metavar="DURATION|off", help="Such as 30m or 8h; off: notify again.")
    ] = "8h",
) -> None:
    """Messages still come, in silence; the list of chats shows them."""
    seconds = 0 if duration == "off" else seconds_of(duration)
    _answer(ctx, session_of(ctx).call("settings.set", s.SetSettings(quiet_s=seconds), s.Settings))


def _answer(ctx: typer.Context, found: s.Settings) -> None:
    rows = [
        ("receipts", found.read_receipts, "contacts are told what you have read"),
        ("typing", found.typing, "contacts are told that you are typing, and you of them"),
    ]
    rows.append(("mentions", found.mentions_only, "in groups, notify only of what names or answers you"))
    held = found.holding_megabytes
    told = f"friends may leave {held} MB here for others of them who are away"
    rows.append(("holding", held > 0, told if held else "friends can leave nothing here for others of them"))
    least = found.fetch_megabytes
    told = (
        f"files up to {least} MB are fetched by themselves"
        if least
        else "files are fetched when you get them"
    )
    rows.append(("files", least > 0, told))
    most = found.files_megabytes
    told = f"what is fetched by itself fills at most {most} MB" if most else "nothing is fetched by itself"
    rows.append(("room", most > 0, told))
    quiet = found.quiet_until_ms / 1000 - time.time()
    told = f"no notifications for {lasting(int(quiet))}" if quiet > 0 else "notifications come"
    rows.append(("dnd", quiet > 0, told))
    lines = columns([(name, good("on") if on else "off", dim(what)) for name, on, what in rows])
    session_of(ctx).answer(found, lines)
