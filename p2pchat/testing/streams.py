"""Connections and streams in memory: reliable and in order as TCP, until they break.

Nothing is moved by a task: each batch of frames bears the time at which it arrives, and the reader
waits for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError

WINDOW: Final = 256 * 1024  # bytes under way in one direction of a stream, as in yamux


class Pipe:
    """One direction of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: deque[tuple[float, Sequence[bytes]]] = deque()  # [] is the end of the stream
        self._size = 0
        self._last_at = 0.0
        self._has_room = trio.Event()
        self._reader: trio.CancelScope | None = None  # wakes at its deadline
        self.is_broken_for_reader = False
        self.is_broken_for_writer = False

    async def put(self, frames: Sequence[bytes], delay: Callable[[], float]) -> None:
        """Send `frames` together; [] ends the stream. Raises NetworkError if it is broken."""
        while not self.is_broken_for_writer and self._size > WINDOW:
            await self._has_room.wait()
        if self.is_broken_for_writer:
            raise NetworkError("the stream is gone")
        self.put_nowait(frames, delay())

    def put_nowait(self, frames: Sequence[bytes], delay: float) -> None:
        """Send `frames` though the window may be full."""
        self._last_at = max(self._last_at, trio.current_time() + delay)
        self._under_way.append((self._last_at, frames))
        self._size += sum(map(len, frames))
        self._wake_reader(self._under_way[0][0])

    async def get(self) -> list[bytes]:
        """All frames that have arrived, at least one; [] at the end. Raises NetworkError if it is broken."""
        if self.is_broken_for_reader or self._arrived():
            await trio.lowlevel.checkpoint()
        while not self.is_broken_for_reader and not self._arrived():
            # Whoever sends moves the deadline: to be woken and to wait again costs more than the rest.
            with trio.move_on_at(self._under_way[0][0] if self._under_way else float("inf")) as self._reader:
                await trio.sleep_forever()
            self._reader = None
        if self.is_broken_for_reader:
            raise NetworkError("the stream is gone")
        return self._take()

    def lose_what_is_under_way(self) -> None:
        """The way is cut: what has not arrived never will."""
        while self._under_way and self._under_way[-1][0] > trio.current_time():
            self._under_way.pop()

    def break_for(self, *, reader: bool = False, writer: bool = False) -> None:
        """An end learns that the stream is gone."""
        self.is_broken_for_reader |= reader
        self.is_broken_for_writer |= writer
        if reader:
            self._wake_reader(trio.current_time())
        if writer:
            self._make_room()

    def _wake_reader(self, at: float) -> None:
        if self._reader is not None and at < self._reader.deadline:
            self._reader.deadline = at

    def _make_room(self) -> None:
        self._has_room.set()
        self._has_room = trio.Event()

    def _arrived(self) -> bool:
        return bool(self._under_way) and self._under_way[0][0] <= trio.current_time()

    def _take(self) -> list[bytes]:
        taken: list[bytes] = []
        while self._arrived():
            if not self._under_way[0][1]:  # the end stays, to be found again
                break
            for frame in self._under_way.popleft()[1]:
                if len(frame) > self._limit:
                    raise ProtocolError("a frame above the limit")
                taken.append(frame)
        if taken:
            self._size -= sum(map(len, taken))
            self._make_room()
        return taken


class SimStream:
    """`net.network.Stream`, one end of it."""

    def __init__(
        self,
        peer: DeviceId,
        incoming: Pipe,
        outgoing: Pipe,
        delay: Callable[[], float],
        count: Callable[[Sequence[bytes]], Sequence[bytes]],
    ) -> None:
        self._peer = peer
        self._incoming = incoming
        self._outgoing = outgoing
        self._delay = delay
        self._count = count
        self.is_closed = False

    @property
    def peer(self) -> DeviceId:
        """The device at the other end."""
        return self._peer

    async def send(self, frames: Iterable[bytes]) -> None:
        """Write all frames. Raises NetworkError if the stream is gone."""
        await trio.lowlevel.checkpoint()
        batch = list(frames)
        if self.is_closed:
            raise NetworkError("the stream is closed")
        if batch:
            await self._outgoing.put(self._count(batch), self._delay)

    async def receive(self) -> list[bytes]:
        """The frames that have arrived; [] at the end. Raises NetworkError or ProtocolError."""
        return await self._incoming.get()

    async def close(self) -> None:
        """Tell the peer that we are done."""
        if not self.is_closed:
            self.is_closed = True
            self._outgoing.put_nowait([], self._delay())
            self._incoming.break_for(writer=True)

    def reset(self) -> None:
        """Break the stream for both ends."""
        self.is_closed = True
        for pipe in (self._incoming, self._outgoing):
            pipe.break_for(reader=True, writer=True)

    def stall(self) -> None:
        """Nothing passes any more, but nobody knows yet."""
        self._incoming.lose_what_is_under_way()
        self._outgoing.lose_what_is_under_way()
        self._delay = lambda: float("inf")

    def lose(self) -> None:
        """This end learns that the connection is gone."""
        self.is_closed = True
        self._incoming.break_for(reader=True)
        self._outgoing.break_for(writer=True)
