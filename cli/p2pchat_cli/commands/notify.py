"""`p2pchat notify`: a word on the desktop when something comes in."""

from __future__ import annotations

import html
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from typing import Annotated, Any, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, UsageError
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session, clean
from p2pchat_cli.text import shortened

_LETTERS: Final = 200
_SECONDS: Final = 10  # a notifier that takes longer is left alone
_SCRIPT: Final = "on run a\ndisplay notification (item 2 of a) with title (item 1 of a)\nend run"


_ONCE: Final = "A message to be viewed once"


def notify(
    ctx: typer.Context,
    with_text: Annotated[
        bool, typer.Option("--text/--no-text", help="Show what was written, or only by whom.")
    ] = True,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="What shows it; gets a title and a text [default: notify-send, on macOS osascript].",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Runs until ^C. Muted chats are silent; see `p2pchat dnd` and `p2pchat settings set mentions on`."""
    session = session_of(ctx)
    notifier = _notifier(command)
    start = session.call("node.status", s.Nothing(), s.Status).cursor
    for event in session.follow(start):
        told = _words(session, event)
        if told is not None and not _is_quiet(session):
            title, text = told
            _show(notifier, title, text if with_text else "", plain=command is not None)


def _words(session: Session, event: s.Event) -> tuple[str, str] | None:
    """Title and text for an event that the person wants to hear of."""
    data = clean(event).data
    match event.type:
        case "message.received" if data.get("kind") in ("text", "iou"):
            return _of_message(session, data)
        case "request.received":
            return f"{data['name']} asks to be your contact", ""
        case "group.asked":
            return f"{data['by']} asks to come into #{data['name']}", ""
        case "group.invited":
            return f"{data['by']} invites you to #{data['name']}", ""
    return None


def _of_message(session: Session, data: dict[str, Any]) -> tuple[str, str] | None:
    with suppress(NotFoundError):  # it may have vanished since
        message = session.call("message.show", s.MessageId(id=data["id"]), s.Message)
        is_wanted = bool(data.get("urgent")) or _is_wanted(session, message, bool(data.get("mentions_me")))
        if message.mine or not is_wanted:
            return None
        where = f" in {message.chat}" if message.chat.startswith("#") else ""
        return f"{message.sender}{where}", _ONCE if message.once else message.text
    return None


def _is_wanted(session: Session, message: s.Message, mentions_me: bool) -> bool:
    if session.call("chat.show", s.Chat(chat=message.chat), s.ChatSummary).muted:
        return False
    only_mentions = session.call("settings.show", s.Nothing(), s.Settings).mentions_only
    return not only_mentions or message.chat.startswith("@") or mentions_me or _answers_me(session, message)


def _answers_me(session: Session, message: s.Message) -> bool:
    with suppress(NotFoundError):
        if message.reply:
            return session.call("message.show", s.MessageId(id=message.reply), s.Message).mine
    return False


def _is_quiet(session: Session) -> bool:
    until_ms = session.call("settings.show", s.Nothing(), s.Settings).quiet_until_ms
    return until_ms > time.time() * 1000


def _notifier(command: str | None) -> list[str]:
    """The beginning of the command line that shows a notification.

    Raises:
        UsageError: there is nothing that could.
    """
    if command is not None:
        words = shlex.split(command)
    elif sys.platform == "darwin":
        words = ["osascript", "-e", _SCRIPT]
    else:
        words = ["notify-send", "--app-name=p2pchat", "--"]
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"There is no {words[0] if words else 'command'}: install it, or name a --command.")
    return words


def _show(notifier: list[str], title: str, text: str, *, plain: bool) -> None:
    line = shortened(text, _LETTERS)
    if not plain and sys.platform != "darwin":
        line = html.escape(line, quote=False)  # notification servers read it as markup
    with suppress(OSError, subprocess.TimeoutExpired):  # a desktop that shows nothing must not end us
        subprocess.run([*notifier, title, line], timeout=_SECONDS, check=False)  # noqa: S603 -- no shell
