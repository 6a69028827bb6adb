"""A thread that shows what comes into one chat while the person types."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self, TypeVar

from p2pchat.api import schema as s
from p2pchat.api.client import Client
from p2pchat.errors import NotFoundError, P2PChatError
from p2pchat_cli.message_lines import SHOWN, live_lines
from p2pchat_cli.session import clean
from p2pchat_cli.style import dim
from p2pchat_cli.terminal import Terminal
from p2pchat_cli.text import harmless, shortened

_TYPING_MS: Final = 10_000  # so long a typing notice counts

R = TypeVar("R", bound=s.Result)


class Listener:
    """Follows the events after `cursor` on a connection of its own."""

    def __init__(self, socket: Path, chat: str, cursor: int, terminal: Terminal) -> None:
        self.failure: P2PChatError | None = None
        self._client = Client.connect(socket)
        self._chat = chat
        self._events = self._client.events(cursor)
        self._terminal = terminal
        self._arrived: set[str] = set()  # messages of mine that were told to be delivered
        self._typing_ms = 0  # when the other was last heard to type
        self._closing = False
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._client.close()
        self._thread.join(timeout=1)

    def turn_to(self, chat: str) -> None:
        """The person goes on in that chat."""
        self._chat = chat

    def _run(self) -> None:
        try:
            for event in self._events:
                self._notice(event)
        except P2PChatError as error:
            if not self._closing:
                self.failure = error
                # The main thread sits in a read that only a signal ends.
                os.kill(os.getpid(), signal.SIGINT)

    def _notice(self, event: s.Event) -> None:
        if event.type == "chat.typing" and event.data["chat"] == self._chat:
            self._show_typing(event)
        if event.type not in SHOWN | {"message.state"}:
            return
        try:
            message = self._message(event.data["id"])
        except NotFoundError:  # it has vanished since
            return
        if message.chat != self._chat:
            if event.type == "message.received":
                self._terminal.show(live_lines(message, with_chat=True))
            return
        if not message.mine or event.type == "message.reaction":
            self._terminal.show(live_lines(message))
            self._client.call("chat.read", s.ReadChat(chat=self._chat))
        elif message.state in {"delivered", "read"} and message.id not in self._arrived:
            self._arrived.add(message.id)
            self._terminal.show([dim(f"  ✓ delivered: {shortened(message.text, 40)}")])

    def _show_typing(self, event: s.Event) -> None:
        """Once in a while, for the notices repeat as long as somebody types."""
        is_news = event.data["typing"] and event.at_ms > self._typing_ms + _TYPING_MS
        self._typing_ms = event.at_ms if event.data["typing"] else 0
        if is_news:
            self._terminal.show([dim(f"  {harmless(event.data['name'])} is typing ...")])

    def _message(self, id: str) -> s.Message:
        message = self._client.call("message.show", s.MessageId(id=id))
        assert isinstance(message, s.Message)
        return clean(message)
