"""`p2pchat export`: a chat as a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from p2pchat.api import schema as s
from p2pchat.files import write_atomically
from p2pchat_cli.options import ChatArgument, session_of
from p2pchat_cli.session import Session
from p2pchat_cli.text import harmless, plural

_PAGE: Final = 500  # messages the node gives at once


class Format(StrEnum):
    """How a chat is written down."""

    text = "text"
    json = "json"


class Exported(s.Result):
    """A file that holds a chat."""

    path: str
    messages: int


def export(
    ctx: typer.Context,
    chat: ChatArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it; you alone may read it.")],
    form: Annotated[
        Format, typer.Option("--format", help="Lines to read, or one JSON object a line.")
    ] = Format.text,
) -> None:
    """Everything that is said in it, in the clear; nothing is marked as read."""
    session = session_of(ctx)
    path = Path(file).absolute()
    messages = list(_messages(session, chat))
    write = _object if form is Format.json else _lines
    write_atomically(path, b"".join(write(message) for message in messages))
    done = Exported(path=str(path), messages=len(messages))
    session.answer(done, [f"Wrote {plural(done.messages, 'message')} to {done.path}."])


def _messages(session: Session, chat: str) -> Iterator[s.Message]:
    """All of a chat, oldest first."""
    page = session.call("message.history", s.History(chat=chat, limit=_PAGE), s.Messages)
    pages = [page.messages]
    while page.more:
        oldest = page.messages[0].id
        page = session.call("message.history", s.History(chat=chat, limit=_PAGE, before=oldest), s.Messages)
        pages.append(page.messages)
    for messages in reversed(pages):
        yield from messages


def _object(message: s.Message) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _lines(message: s.Message) -> bytes:
    """As a person reads it; later lines are indented, so that none can pass for a message of its own."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(message.sent_ms / 1000))
    gap = " " if message.kind in ("iou", "group") else ": "
    text = harmless(message.text, keep_lines=True).replace("\n", "\n    ")
    marks = "".join(f"  {one.emoji} {one.name}" for one in message.reactions)
    return f"{when}  {harmless(message.sender)}{gap}{text}{marks}\n".encode()
