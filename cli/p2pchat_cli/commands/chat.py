"""`p2pchat chat`: one chat, in and out, in a plain terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import typer

from p2pchat.api import schema as s
from p2pchat.api.client import NOT_RUNNING
from p2pchat.errors import NetworkError, NotFoundError, UsageError
from p2pchat_cli.message_lines import message_lines
from p2pchat_cli.options import ChatArgument, session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import bad, bold, dim
from p2pchat_cli.terminal import Terminal
from p2pchat_cli.text import harmless

_HISTORY: Final = 20  # messages shown at the beginning
_HELP: Final = [
    "Type a line to send it. What begins with // is sent with one /.",
    "/help   this list",
    "/quit   leave (also ^D); the node goes on receiving",
]


def chat(ctx: typer.Context, chat: ChatArgument) -> None:
    """Type lines to send them; without a terminal, each line of standard input is sent."""
    session = session_of(ctx)
    if not sys.stdin.isatty():
        _send_all(session, chat)
        return
    if not session.node_runs():
        raise NetworkError(NOT_RUNNING)
    cursor = session.call("node.status", s.Nothing(), s.Status).cursor
    page = session.call("message.history", s.History(chat=chat, limit=_HISTORY), s.Messages)
    name = _full_name(session, chat)
    session.say(line for message in page.messages for line in message_lines(message))
    session.say([f"{bold(name)}  {dim('(/help, /quit)')}"])
    session.call("chat.read", s.ReadChat(chat=chat), s.Done)

    # Loads threads and readline, which the piped form does not need.
    from p2pchat_cli.listener import Listener

    terminal = Terminal()
    with Listener(session.home.socket, name, cursor, terminal) as listener:
        for line in _typed(terminal):
            if listener.failure is not None:
                break
            try:
                session.call("message.send", s.Send(chat=chat, text=line), s.Message)
            except UsageError as error:
                terminal.show([bad(harmless(str(error)))])
        if listener.failure is not None:
            raise listener.failure


def _send_all(session: Session, chat: str) -> None:
    for line in sys.stdin:
        text = line.rstrip("\n")
        if text:
            message = session.call("message.send", s.Send(chat=chat, text=text), s.Message)
            session.answer(message, message_lines(message))


def _typed(terminal: Terminal) -> Iterator[str]:
    """The lines to send, until the person leaves."""
    while (line := terminal.read()) is not None:
        match line.strip():
            case "":
                continue
            case "/quit" | "/q":
                return
            case "/help" | "/?":
                terminal.show(_HELP)
            case text if text.startswith("//"):
                yield text[1:]
            case text if text.startswith("/"):
                terminal.show([dim(f"There is no {text.split()[0]} here: /help")])
            case _:
                yield line


def _full_name(session: Session, chat: str) -> str:
    """`@petname` or `#group`, as messages name the chat."""
    if not chat.startswith("#"):
        try:
            return f"@{session.call('contact.show', s.Who(who=chat), s.Contact).name}"
        except NotFoundError:
            if chat.startswith("@"):
                raise
    return f"#{session.call('group.show', s.GroupName(group=chat), s.Group).name}"
