"""A bot whose rules are coroutines, for trio and asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import anyio

from p2pchat.api import schema as s
from p2pchat.api.aio import AsyncClient
from p2pchat.bots.rules import PAUSES_S, Rules, params_of
from p2pchat.errors import NetworkError, NotFoundError


class AsyncBot(Rules[Callable[..., Awaitable[Any]]]):
    """As `p2pchat.bots.Bot`, with `await`: `trio.run(bot.run)`."""

    def __init__(self, name: str | None = None, home: str | Path | None = None) -> None:
        super().__init__(name, home)
        self._client: AsyncClient | None = None

    async def call(self, method: str, **params: Any) -> Any:
        """What the node answers to a method of the table, as its result type.

        Raises:
            P2PChatError: the node refuses; NetworkError where it is away.
        """
        if self._client is None:
            self._client = await AsyncClient.connect(self.home.socket)
        try:
            return await self._client.call(method, params_of(method, params))
        except NetworkError:
            await self.close()
            raise

    async def send(self, chat: str, text: str) -> s.Message:
        """Write to a contact (`@bob`) or a group (`#trip`)."""
        sent: s.Message = await self.call("message.send", chat=chat, text=text)
        return sent

    async def reply(self, message: s.Message, text: str) -> s.Message:
        """Answer a message in its chat."""
        sent: s.Message = await self.call("message.send", chat=message.chat, text=text, reply=message.id)
        return sent

    async def events(self) -> AsyncGenerator[s.Event]:
        """What happens, without end and without gaps; an event is done when the next one is asked for."""
        failures = 0
        while True:
            try:
                async with await AsyncClient.connect(self.home.socket) as listener:
                    since = self._cursor.read()
                    if since is None:
                        status = await listener.call("node.status", s.Nothing())
                        assert isinstance(status, s.Status)
                        since = status.cursor
                        self._cursor.write(since)
                    async with aclosing(listener.events(since)) as told:
                        async for event in told:
                            failures = 0
                            yield event
                            self._cursor.write(event.seq)
            except NetworkError:
                await anyio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    async def run(self) -> None:
        """Follow the rules until cancelled; an event whose rule finds the node gone comes again."""
        while True:
            with suppress(NetworkError):
                async with aclosing(self.events()) as events:
                    async for event in events:
                        for function in self._matching(event):
                            await function(event)
                        if self._heard(event):
                            await self._tell(event.data["id"])
            await anyio.sleep(PAUSES_S[1])

    async def close(self) -> None:
        """Hang up; the next call connects again."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _tell(self, id: str) -> None:
        try:
            message: s.Message = await self.call("message.show", id=id)
        except NotFoundError:  # it has vanished since
            return
        for function in self._on_message:
            await function(message)
