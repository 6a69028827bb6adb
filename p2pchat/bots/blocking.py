"""A bot that does one thing after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from p2pchat.api import schema as s
from p2pchat.api.client import Client
from p2pchat.bots.rules import PAUSES_S, Rules, params_of
from p2pchat.errors import NetworkError, NotFoundError


class Bot(Rules[Callable[..., Any]]):
    """See `p2pchat.bots`."""

    def __init__(self, name: str | None = None, home: str | Path | None = None) -> None:
        super().__init__(name, home)
        self._client: Client | None = None

    def call(self, method: str, **params: Any) -> Any:
        """What the node answers to a method of the table (`p2pchat api describe`), as its result type.

        Raises:
            P2PChatError: the node refuses; NetworkError where it is away.
        """
        if self._client is None:
            self._client = Client.connect(self.home.socket)
        try:
            return self._client.call(method, params_of(method, params))
        except NetworkError:
            self.close()
            raise

    def send(self, chat: str, text: str) -> s.Message:
        """Write to a contact (`@bob`) or a group (`#trip`)."""
        sent: s.Message = self.call("message.send", chat=chat, text=text)
        return sent

    def reply(self, message: s.Message, text: str) -> s.Message:
        """Answer a message in its chat."""
        sent: s.Message = self.call("message.send", chat=message.chat, text=text, reply=message.id)
        return sent

    def react(self, message: s.Message, emoji: str) -> None:
        """Put an emoji beside a message."""
        self.call("message.react", id=message.id, emoji=emoji)

    def history(self, chat: str) -> list[s.Message]:
        """All messages of a chat, oldest first."""
        page: s.Messages = self.call("message.history", chat=chat, limit=500)
        found = page.messages
        while page.more:
            page = self.call("message.history", chat=chat, limit=500, before=found[0].id)
            found = page.messages + found
        return found

    def events(self) -> Iterator[s.Event]:
        """What happens, without end and without gaps, also while the node is away for a while.

        The first time it begins now. An event is done when the next one is asked for.
        """
        failures = 0
        while True:
            try:
                with Client.connect(self.home.socket) as listener:
                    since = self._cursor.read()
                    if since is None:
                        status = listener.call("node.status", s.Nothing())
                        assert isinstance(status, s.Status)
                        since = status.cursor
                        self._cursor.write(since)
                    for event in listener.events(since):
                        failures = 0
                        yield event
                        self._cursor.write(event.seq)
            except NetworkError:
                time.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    def run(self) -> None:
        """Follow the rules until the process is ended.

        An event whose rule finds the node gone comes again when the node is back.
        """
        while True:
            with suppress(NetworkError):
                for event in self.events():
                    for function in self._matching(event):
                        function(event)
                    if self._heard(event):
                        self._tell(event.data["id"])
            time.sleep(PAUSES_S[1])

    def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _tell(self, id: str) -> None:
        try:
            message: s.Message = self.call("message.show", id=id)
        except NotFoundError:  # it has vanished since
            return
        for function in self._on_message:
            function(message)
