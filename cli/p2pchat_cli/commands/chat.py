"""`p2pchat chat`: chatting in a plain terminal, with every command at hand."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import Final

import typer

from p2pchat.api import schema as s
from p2pchat.api.client import NOT_RUNNING
from p2pchat.errors import NetworkError, UsageError
from p2pchat_cli.chat_names import full_name, latest
from p2pchat_cli.message_lines import message_lines
from p2pchat_cli.options import MaybeChatArgument, session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import bad, bold, dim
from p2pchat_cli.terminal import Terminal
from p2pchat_cli.text import harmless

_HISTORY: Final = 20  # messages shown at the beginning
_HELP: Final = [
    "Type a line to send it to the chat that is open; what begins with // is sent with one /.",
    "@name text     to a contact; @name alone opens that chat",
    "#group text    to a group; #group alone opens it; @name within a text there tells that member",
    "/chats         also /history bob, /search pizza, /pay bob 3 EUR, /iou list: every command works",
    "/help          this list; /help pay explains a command",
    "/quit          leave (also ^D); the node goes on receiving",
]
_NOT_HERE: Final = {
    "chat",
    "tui",
    "run",
    "stop",
    "bot",
    "rpc",
    "tail",
    "init",
}  # take the terminal or the node


def chat(ctx: typer.Context, chat: MaybeChatArgument = None) -> None:
    """Type lines to send them; without a terminal, each line of standard input is sent."""
    session = session_of(ctx)
    if not sys.stdin.isatty():
        _send_all(session, chat or latest(session))
        return
    if not session.node_runs():
        raise NetworkError(NOT_RUNNING)
    # Loads threads and readline, which the piped form does not need.
    from p2pchat_cli.listener import Listener

    terminal = Terminal()
    cursor = session.call("node.status", s.Nothing(), s.Status).cursor
    talk = _Talk(session, terminal)
    name = talk.open(chat or latest(session))
    session.say([f"{bold(name)}  {dim('(/help, /quit)')}"])
    terminal.complete(talk.completions)
    with Listener(session.home.socket, name, cursor, terminal) as listener:
        talk.listener = listener
        for line in talk.typed():
            if listener.failure is not None:
                break
            talk.obey(line)
        if listener.failure is not None:
            raise listener.failure


class _Talk:
    """What one types, until one leaves."""

    def __init__(self, session: Session, terminal: Terminal) -> None:
        from p2pchat_cli.listener import Listener

        self.listener: Listener | None = None
        self._session = session
        self._terminal = terminal
        self._chat = ""

    def open(self, chat: str) -> str:
        """Go on with that chat: show its newest messages; gives its full name."""
        page = self._session.call("message.history", s.History(chat=chat, limit=_HISTORY), s.Messages)
        self._chat = full_name(self._session, chat)
        self._terminal.show([line for message in page.messages for line in message_lines(message)])
        self._terminal.remember(
            message.text for message in page.messages if message.mine and message.kind == "text"
        )
        self._session.call("chat.read", s.ReadChat(chat=chat), s.Done)
        if self.listener is not None:
            self.listener.turn_to(self._chat)
        return self._chat

    def typed(self) -> Iterator[str]:
        """The lines, until the person leaves."""
        while (line := self._terminal.read()) is not None:
            if line.strip() in ("/quit", "/q"):
                return
            if line.strip():
                yield line

    def obey(self, line: str) -> None:
        """Send a line, or do what it says; what is refused is told, and one goes on."""
        try:
            if line.startswith("//"):
                self._send(self._chat, line[1:])
            elif line.startswith("/"):
                self._command(line[1:])
            elif line[0] in "@#" and len(line.strip()) > 1:
                self._address(line)
            else:
                self._send(self._chat, line)
        except UsageError as error:
            self._terminal.show([bad(harmless(str(error)))])

    def completions(self, line: str) -> list[str]:
        """What the last word of `line` could become."""
        *before, word = line.split(" ")
        if not before and word[:1] in ("@", "#"):
            return [f"{name} " for name in self._names() if name.startswith(word)]
        if not line.startswith("/"):
            return self._mentioned(word) if word.startswith("@") else []
        from p2pchat_cli.table import SECTIONS, Group

        entries = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
        if not before:
            names = sorted(entries.keys() - _NOT_HERE | {"help", "quit"})
            return [f"/{name} " for name in names if f"/{name}".startswith(word)]
        entry = entries.get(before[0][1:])
        if isinstance(entry, Group) and len(before) == 1:
            return [f"{name} " for name in entry.commands if name.startswith(word)]
        names = self._names()
        return [f"{name} " for name in (*names, *(name[1:] for name in names)) if name.startswith(word)]

    def _mentioned(self, word: str) -> list[str]:
        """Members of the open group whom `word`, within a line, may be about to name."""
        if not self._chat.startswith("#"):
            return []
        found = self._session.call("group.show", s.GroupName(group=self._chat), s.Group)
        names = (f"@{one.name}" for one in found.members if not one.me)
        return [f"{name} " for name in names if name.casefold().startswith(word.casefold())]

    def _names(self) -> list[str]:
        found = self._session.call("chat.list", s.ChatQuery(), s.Chats)
        return [one.chat for one in found.chats]

    def _send(self, chat: str, text: str) -> None:
        self._session.call("message.send", s.Send(chat=chat, text=text), s.Message)

    def _address(self, line: str) -> None:
        name, _, text = line.strip().partition(" ")
        if text:
            self._send(name, text)
        else:
            self._terminal.show([bold(self.open(name))])

    def _command(self, line: str) -> None:
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"{line!r}: {error}.") from error
        if not words or words == ["?"] or words == ["help"]:
            self._terminal.show(_HELP)
            return
        if words[0] == "help":
            words = [*words[1:], "--help"]
        if words[0] in _NOT_HERE and "--help" not in words:
            raise UsageError(f"/{words[0]} does not work in a chat: /help")
        from p2pchat_cli.tree import root

        try:
            root().main(words, "/", standalone_mode=False, obj=self._session)
            self._session.json = False  # --json was for that one command
        except typer.TyperException as error:
            raise UsageError(error.format_message()) from error


def _send_all(session: Session, chat: str) -> None:
    for line in sys.stdin:
        text = line.rstrip("\n")
        if text:
            message = session.call("message.send", s.Send(chat=chat, text=text), s.Message)
            session.answer(message, message_lines(message))
