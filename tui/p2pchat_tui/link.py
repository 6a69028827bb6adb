"""The connection to the node, which may go away and come back: nothing that happened meanwhile is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final, TypeVar

from p2pchat_cli.session import clean

from p2pchat.api import schema as s
from p2pchat.api.aio import AsyncClient
from p2pchat.api.table import METHODS
from p2pchat.errors import NetworkError, StoreError

R = TypeVar("R", bound=s.Result)

_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0)  # between attempts to reach a node that is away


class NodeLink:
    """Calls go over one connection, events come over another; calls that wait for peers get their own."""

    def __init__(self, socket: Path) -> None:
        self.online = False
        self.cursor = 0
        self._socket = socket
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._asked: set[asyncio.Future[s.Result]] = set()

    async def call(self, method: str, params: s.Params, kind: type[R]) -> R:
        """What the node answers, made harmless for a terminal.

        Raises:
            P2PChatError: as the method does; NetworkError where the node is away.
        """
        # A call that is cancelled half-way would leave its answer behind for the next one.
        asked = asyncio.ensure_future(self._ask(method, params))
        self._asked.add(asked)
        asked.add_done_callback(self._done)
        result = await asyncio.shield(asked)
        assert isinstance(result, kind), f"{method} answers with a {type(result).__name__}"
        return clean(result)

    async def follow(self, changed: Callable[[bool], None], happened: Callable[[s.Event], None]) -> None:
        """Tell whether the node is there, and what happens, until cancelled."""
        failures = 0
        while True:
            try:
                async with await AsyncClient.connect(self._socket) as client:
                    if not self.cursor:
                        status = await client.call("node.status", s.Nothing())
                        assert isinstance(status, s.Status)
                        self.cursor = status.cursor
                    async with aclosing(client.events(self.cursor)) as events:
                        failures = 0
                        self.online = True
                        changed(True)
                        async for event in events:
                            self.cursor = event.seq
                            happened(event)
            except (NetworkError, StoreError):
                await self.close()  # the other connection is as dead
                if self.online or not failures:
                    self.online = False
                    changed(False)
            await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
            failures += 1

    async def close(self) -> None:
        """Hang up; what is being asked ends with NetworkError."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _done(self, asked: asyncio.Future[s.Result]) -> None:
        self._asked.discard(asked)
        if not asked.cancelled():
            asked.exception()  # nobody may wait for it any more

    async def _ask(self, method: str, params: s.Params) -> s.Result:
        if METHODS[method].runs == "network":
            async with await AsyncClient.connect(self._socket) as client:
                return await client.call(method, params)
        return await self._call(method, params)

    async def _call(self, method: str, params: s.Params) -> s.Result:
        async with self._connecting:
            if self._client is None:
                self._client = await AsyncClient.connect(self._socket)
            client = self._client
        try:
            return await client.call(method, params)
        except NetworkError:
            if self._client is client:
                await self.close()
            raise
