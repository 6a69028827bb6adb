"""The other side of the local API for programs with an event loop, be it trio's or asyncio's.

async with await AsyncClient.connect(Home.locate().socket) as node:
    await node.call("message.send", schema.Send(chat="bob", text="hi"))
    async for event in node.events(since=0):
        ...
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Self

import anyio
import msgspec
from anyio.abc import UNIXSocketStream

from p2pchat.api import endpoint
from p2pchat.api import schema as s
from p2pchat.api.dialogue import ANSWER_S, GONE, NOT_RUNNING, READ_SIZE, SILENT, Dialogue, decoded
from p2pchat.api.table import SUBSCRIBE
from p2pchat.errors import NetworkError

__all__ = ["AsyncClient"]


class AsyncClient:
    """A connection to the running node; calls of several tasks take turns.

    A call that was cancelled leaves the connection unusable: close it.
    """

    def __init__(self, stream: UNIXSocketStream) -> None:
        self._stream = stream
        self._dialogue = Dialogue()
        self._turn = anyio.Lock()

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """A client of the node that listens at `path`.

        Raises:
            NetworkError: no node runs there.
            StoreError: the socket belongs to another user.
        """
        connection = endpoint.connect(path)  # at once, or the node is too busy to be of use
        if connection is None:
            raise NetworkError(NOT_RUNNING)
        return cls(await UNIXSocketStream.from_socket(connection))

    async def call(self, name: str, params: s.Params) -> s.Result:
        """What the node answers to method `name` of the table, as the type the table says.

        Raises:
            P2PChatError: the node refused; the class and the sentence are those raised in the node.
            UsageError: the parameters are longer than a request may be.
            NetworkError: the node went away, or did not answer within ANSWER_S seconds.
        """
        async with self._turn:
            return decoded(name, await self._ask(name, params))

    async def events(self, since: int) -> AsyncGenerator[s.Event]:
        """Events after cursor `since`: the stored ones, then each as it happens, without end.

        Use a connection of its own for it: a call meanwhile would have to share what comes in.

        Raises:
            NetworkError: the node went away or ended the subscription; go on from the last `seq` seen.
        """
        async with self._turn:
            await self._ask(SUBSCRIBE, s.Since(since=since))
            while True:
                event = self._dialogue.event()
                if event is not None:
                    yield event
                else:
                    await self._receive()

    async def close(self) -> None:
        """Hang up; never raises."""
        await anyio.aclose_forcefully(self._stream)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, name: str, params: s.Params) -> msgspec.Raw:
        line = self._dialogue.ask(name, params)
        with anyio.move_on_after(ANSWER_S):
            await self._send(line)
            while (result := self._dialogue.answer()) is None:
                await self._receive()
            return result
        raise NetworkError(SILENT)

    async def _send(self, line: bytes) -> None:
        try:
            await self._stream.send(line)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise NetworkError(GONE) from error

    async def _receive(self) -> None:
        try:
            self._dialogue.take(await self._stream.receive(READ_SIZE))
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise NetworkError(GONE) from error
