"""One client of the local API, as the node sees it.

A reader answers one request after the other, and a writer empties a short queue. A client that does
not read fills its own queue and then waits for itself: neither the node nor another client notices.
If nothing could be written for STALL_S seconds the client is dropped; events are durable, so it goes
on from its cursor when it comes back.
"""

from __future__ import annotations

import logging
from typing import Final

import msgspec
import trio

from p2pchat.api import dispatch, jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.backend import Backend
from p2pchat.api.jsonrpc import Failure, Request
from p2pchat.api.table import SUBSCRIBE
from p2pchat.errors import P2PChatError, UsageError

logger = logging.getLogger(__name__)

QUEUE: Final = 16  # lines that wait for a client; a page of history may be a megabyte
STALL_S: Final = 60.0
_READ_SIZE: Final = 1 << 16  # bytes


class Connection:
    """Serves `stream` until the client leaves."""

    def __init__(self, stream: trio.abc.Stream, backend: Backend) -> None:
        self._stream = stream
        self._backend = backend
        self._outgoing, self._queued = trio.open_memory_channel[bytes](QUEUE)
        self._subscribed = False

    async def run(self) -> None:
        """Answer until the client closes its side, breaks off, floods or stops reading."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, nursery.cancel_scope)
            async with self._outgoing, trio.open_nursery() as followers:
                await self._read(followers)
                followers.cancel_scope.cancel()
            # The queue is closed now; the writer still sends the answers that stand in it.

    async def _read(self, followers: trio.Nursery) -> None:
        lines = _Lines(self._stream)
        try:
            while (line := await lines.next()) is not None:
                await self._answer(line, followers)
        except trio.BrokenResourceError:
            logger.debug("A client of the local API broke off.")

    async def _write(self, connection: trio.CancelScope) -> None:
        async for line in self._queued:
            with trio.move_on_after(STALL_S) as patience:
                try:
                    await self._stream.send_all(line)
                except trio.BrokenResourceError:
                    connection.cancel()
                    return
            if patience.cancelled_caught:
                logger.warning("A client of the local API read nothing for %d s and was dropped.", STALL_S)
                connection.cancel()
                return

    async def _answer(self, line: bytes, followers: trio.Nursery) -> None:
        if len(line) > jsonrpc.MAX_LINE:
            await self._outgoing.send(jsonrpc.refusal(None, dispatch.TOO_LONG))
            return
        request = dispatch.read(line)
        if isinstance(request, Failure):
            await self._outgoing.send(jsonrpc.refusal(None, request))
            return
        id = None if request.id is msgspec.UNSET else request.id
        try:
            if request.method == SUBSCRIBE:
                reply = jsonrpc.answer(id, self._subscribe(request, followers))
            else:
                reply = jsonrpc.answer(id, await dispatch.call(self._backend, request))
        except Exception as error:
            reply = jsonrpc.refusal(id, dispatch.explain(request.method, error))
        if request.id is not msgspec.UNSET:
            await self._outgoing.send(reply)

    def _subscribe(self, request: Request, followers: trio.Nursery) -> s.Done:
        params = msgspec.json.decode(request.params, type=s.Since)
        if self._subscribed:
            raise UsageError("This connection follows the events already.")
        self._subscribed = True
        # The task starts at the next checkpoint, which is the sending of this answer: first in the queue.
        followers.start_soon(self._follow, params.since)
        return s.Done()

    async def _follow(self, since: int) -> None:
        reason = "The listener was too slow: it can go on from its cursor."
        try:
            async with self._backend.subscribe(since) as events:
                async for event in events:
                    await self._outgoing.send(jsonrpc.notification(jsonrpc.EVENT, event))
        except P2PChatError as error:
            reason = str(error)
        except Exception:
            logger.exception("A bug ended a subscription.")
            reason = "The node failed while it sent events: its log tells more."
        self._subscribed = False
        await self._outgoing.send(jsonrpc.notification(jsonrpc.END, jsonrpc.Ended(reason)))


class _Lines:
    """Cuts a stream into lines; of a line that is too long it keeps just enough to show that."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._scanned = 0

    async def next(self) -> bytes | None:
        """The next line without its end; None once the client has closed its side."""
        while (end := self._buffer.find(b"\n", self._scanned)) < 0:
            del self._buffer[jsonrpc.MAX_LINE + 1 :]
            self._scanned = len(self._buffer)
            chunk = await self._stream.receive_some(_READ_SIZE)
            if not chunk:
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._scanned = 0
        return line
