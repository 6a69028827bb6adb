"""One client of the local API, as the node sees it.

A reader answers the requests that have arrived, together where they can share the wait for the disk,
and a writer empties a short queue. A client that does not read fills its own queue and then waits for
itself: neither the node nor another client notices. If nothing could be written for STALL_S seconds
the client is dropped; events are durable, so it goes on from its cursor when it comes back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from itertools import groupby
from typing import Final

import trio

from p2pchat.api import jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.backend import Backend, Outcome
from p2pchat.api.dispatch import Question
from p2pchat.api.jsonrpc import Failure
from p2pchat.api.table import SUBSCRIBE
from p2pchat.errors import P2PChatError, UsageError

logger = logging.getLogger(__name__)

QUEUE: Final = 16  # writes that wait for a client; a page of history may be a megabyte
BURST: Final = 256  # requests answered in one go; as many changes fit one commit
STALL_S: Final = 60.0
_READ_SIZE: Final = 1 << 16  # bytes
_WRITE_SIZE: Final = 1 << 16  # bytes of answers that are gathered into one write


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
            while burst := await lines.some():
                await self._answer(burst, followers)
        except trio.BrokenResourceError:
            logger.debug("A client of the local API broke off.")

    async def _write(self, connection: trio.CancelScope) -> None:
        async for first in self._queued:
            with trio.move_on_after(STALL_S) as patience:
                try:
                    await self._stream.send_all(self._with_what_waits(first))
                except trio.BrokenResourceError:
                    connection.cancel()
                    return
            if patience.cancelled_caught:
                logger.warning("A client of the local API read nothing for %d s and was dropped.", STALL_S)
                connection.cancel()
                return

    def _with_what_waits(self, first: bytes) -> bytes:
        """`first` and what stands behind it, up to about one write: a system call costs as much as a line."""
        lines, size = [first], len(first)
        while size < _WRITE_SIZE:
            try:
                lines.append(self._queued.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            size += len(lines[-1])
        return b"".join(lines)

    async def _answer(self, lines: list[bytes], followers: trio.Nursery) -> None:
        for is_subscription, group in groupby(map(Question.on, lines), key=_is_subscription):
            if is_subscription:
                for question in group:
                    await self._reply([(question, self._subscribe(question, followers))])
            else:
                await self._call_each(list(group))

    async def _call_each(self, questions: list[Question]) -> None:
        """Carry out what is asked for, and send the answers in order."""
        waiting = deque(questions)
        outcomes = self._backend.call_each([one.call for one in questions if isinstance(one.call, tuple)])
        async with aclosing(outcomes):
            async for some in outcomes:
                await self._reply(_match(waiting, some))
        await self._reply(_match(waiting, []))

    async def _reply(self, answered: Iterable[tuple[Question, Outcome | Failure]]) -> None:
        """Send answers, many in one write."""
        for lines in _gathered(question.reply(outcome) for question, outcome in answered):
            await self._put(lines)

    async def _put(self, lines: bytes) -> None:
        """Queue what is to be written; only if there is no room does that take a turn of the event loop."""
        try:
            self._outgoing.send_nowait(lines)
        except trio.WouldBlock:
            await self._outgoing.send(lines)

    def _subscribe(self, question: Question, followers: trio.Nursery) -> Outcome | Failure:
        if isinstance(question.call, Failure):
            return question.call
        _, params = question.call
        assert isinstance(params, s.Since)
        if self._subscribed:
            return UsageError("This connection follows the events already.")
        self._subscribed = True
        # The task starts at the next checkpoint, which is the sending of this answer: first in the queue.
        followers.start_soon(self._follow, params.since)
        return s.Done()

    async def _follow(self, since: int) -> None:
        reason = "The listener was too slow: it can go on from its cursor."
        try:
            async with self._backend.subscribe(since) as events:
                async for some in events:
                    for lines in _gathered(jsonrpc.notification(jsonrpc.EVENT, event) for event in some):
                        await self._put(lines)
        except P2PChatError as error:
            reason = str(error)
        except Exception:
            logger.exception("A bug ended a subscription.")
            reason = "The node failed while it sent events: its log tells more."
        self._subscribed = False
        await self._outgoing.send(jsonrpc.notification(jsonrpc.END, jsonrpc.Ended(reason)))


def _gathered(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, joined to about one write each; nothing for empty ones."""
    gathered, size = list[bytes](), 0
    for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= _WRITE_SIZE:
            yield b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


class _Lines:
    """Cuts a stream into lines; of a line that is too long it keeps just enough to show that."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._scanned = 0

    async def some(self) -> list[bytes]:
        """At most `BURST` lines that have come, without their ends; none after the client's last word."""
        while self._buffer.find(b"\n", self._scanned) < 0:
            del self._buffer[jsonrpc.MAX_LINE + 1 :]
            self._scanned = len(self._buffer)
            chunk = await self._stream.receive_some(_READ_SIZE)
            if not chunk:
                return []
            self._buffer += chunk
        *lines, rest = self._buffer.split(b"\n", BURST)
        self._buffer = rest
        self._scanned = 0
        return list(map(bytes, lines))


def _is_subscription(question: Question) -> bool:
    return question.request is not None and question.request.method == SUBSCRIBE


def _match(
    questions: deque[Question], outcomes: Iterable[Outcome]
) -> Iterator[tuple[Question, Outcome | Failure]]:
    """Takes from `questions` those that `outcomes` answer, and those that could not be asked."""
    for outcome in outcomes:
        yield from _refused(questions)
        yield questions.popleft(), outcome
    yield from _refused(questions)


def _refused(questions: deque[Question]) -> Iterator[tuple[Question, Failure]]:
    while questions and isinstance(failure := questions[0].call, Failure):
        yield questions.popleft(), failure
