"""Arguments and options that several commands share."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import P2PChatError, UsageError
from p2pchat_cli.session import Session
from p2pchat_cli.text import SECONDS


def session_of(ctx: typer.Context) -> Session:
    """The session that this command runs in."""
    return ctx.ensure_object(Session)


def complete_contact(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of contacts that begin like that; nothing if no node runs, for completion may not ask."""
    return _names(ctx, incomplete, _contacts)


def complete_group(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of groups that begin like that."""
    return _names(ctx, incomplete, _groups)


def complete_chat(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of contacts and groups that begin like that."""
    return _names(ctx, incomplete, lambda session: _contacts(session) + _groups(session))


WhoArgument = Annotated[
    str,
    typer.Argument(metavar="WHO", help="A contact, such as bob.", autocompletion=complete_contact),
]
GroupArgument = Annotated[
    str,
    typer.Argument(metavar="GROUP", help="A group, such as trip.", autocompletion=complete_group),
]
ChatArgument = Annotated[
    str,
    typer.Argument(
        metavar="CHAT",
        help="A contact or a group, such as bob or trip; @bob and #trip tell them apart.",
        autocompletion=complete_chat,
    ),
]
MaybeChatArgument = Annotated[
    str | None,
    typer.Argument(metavar="[CHAT]", help="Only this chat.", autocompletion=complete_chat),
]
MessageArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A message's id or its beginning, from `p2pchat history`.")
]
TextArgument = Annotated[
    list[str], typer.Argument(metavar="TEXT...", help="The words; - takes them from standard input.")
]
AmountArgument = Annotated[
    list[str],
    typer.Argument(metavar="AMOUNT UNIT [NOTE]", help='Such as 12.50 EUR "pizza".', show_default=False),
]
IouArgument = Annotated[
    str, typer.Argument(metavar="ID", help="An IOU's id or its beginning, from `p2pchat iou list`.")
]
QrOption = Annotated[
    bool | None,
    typer.Option(
        "--qr/--no-qr", help="Draw the QR code or not [default: on a terminal].", show_default=False
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")]


def text_of(words: list[str]) -> str:
    """The text that the words make, or what standard input holds.

    Raises:
        UsageError: standard input is not text.
    """
    if words != ["-"]:
        return " ".join(words)
    try:
        return sys.stdin.read().rstrip("\n")
    except UnicodeDecodeError as error:
        raise UsageError("Standard input is not text.") from error


def seconds_of(duration: str) -> int:
    """The seconds in `30s`, `10m`, `8h` or `7d`.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", duration)
    if match is None:
        raise UsageError(f"'{duration}' is not a duration: write it like 30s, 10m, 8h or 7d.")
    return int(match[1]) * SECONDS[match[2]]


def amount_and_note(words: list[str]) -> tuple[str, str]:
    """The amount and the note in `12.50 EUR pizza for two`, however they were quoted.

    Raises:
        UsageError: a word looks like a mistyped option.
    """
    for word in words:
        if word.startswith("--"):
            raise UsageError(f"There is no option {word} here.")
    taken = 1 if len(words[0].split()) > 1 else 2
    return " ".join(words[:taken]), " ".join(words[taken:])


def _names(ctx: typer.Context, incomplete: str, find: Callable[[Session], list[str]]) -> list[str]:
    session = session_of(ctx)
    try:
        names = find(session) if session.node_runs() else []
    except P2PChatError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def _contacts(session: Session) -> list[str]:
    return [contact.name for contact in session.call("contact.list", s.Nothing(), s.Contacts).contacts]


def _groups(session: Session) -> list[str]:
    return [group.name for group in session.call("group.list", s.Nothing(), s.Groups).groups]
