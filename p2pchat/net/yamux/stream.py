"""One yamux stream: a bounded inbox, a window to send into, and two ends that close separately."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Final, Protocol, Self

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import (
    MuxedStreamClosed,
    MuxedStreamEOF,
    MuxedStreamError,
    MuxedStreamReset,
)

from p2pchat.net.yamux import wire

_READ_ALL_LIMIT: Final = 1024 * 1024  # `read()` without a size: libp2p's identify uses it
_GROW_S: Final = 1.0  # a window used up faster than this is worth enlarging


class Carrier(Protocol):
    """What a stream asks of its connection."""

    @property
    def is_congested(self) -> bool:
        """Whether so much is queued that writers should wait for `drained`."""

    async def drained(self) -> None:
        """Return once something has been written, or the connection has ended."""

    def send_data(self, frame: bytes) -> None:
        """Queue a data frame."""

    def send_control(self, kind: int, flags: int, stream: int, length: int) -> None:
        """Queue a frame without a body."""

    def release(self, size: int) -> None:
        """`size` received bytes have been read or thrown away."""

    def forget(self, stream: YamuxStream) -> None:
        """`stream` has ended in both directions."""

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the other end, if it is a socket."""


class YamuxStream(IMuxedStream):
    """A two-way stream of bytes. One task may read while another writes.

    `close` ends our side only; what the peer still sends can be read. `reset` ends both.
    """

    def __init__(self, connection: Carrier, stream_id: int) -> None:
        self.muxed_conn = connection
        self.stream_id = stream_id
        self.closed_at: float | None = None  # when we ended our side
        self.peer_closed = False
        self.is_reset = False
        self.send_window = wire.INITIAL_WINDOW
        self.receive_window = wire.INITIAL_WINDOW  # what the peer may still send
        self.unread = 0
        self._connection = connection
        self._target = wire.INITIAL_WINDOW
        self._consumed = 0  # read by the application and not yet given back to the peer's window
        self._updated_at = trio.current_time()
        self._inbox: deque[bytes] = deque()
        self._offset = 0  # into the first piece, as readers of single bytes exist
        self._changed = trio.Event()

    async def read(self, n: int | None = None) -> bytes:
        """Up to `n` bytes, at least one; without `n`, everything up to the peer's end.

        Raises:
            MuxedStreamEOF: the peer has closed its side and everything is read.
            MuxedStreamReset: the stream or its connection is gone.
            MuxedStreamError: `n` is not given and the peer sent more than a mebibyte.
        """
        if n is None or n < 0:
            return await self._read_all()
        while not self._inbox:
            if self.is_reset:
                raise MuxedStreamReset("the stream was reset")
            if self.peer_closed:
                raise MuxedStreamEOF("the peer has closed its side")
            await self._changed.wait()
        data = self._take(n)
        self._give_back(len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Queue `data` for sending; waits while the peer's window or the connection's queue is full.

        When it is cancelled, an unknown part of `data` has been sent.

        Raises:
            MuxedStreamClosed: we have closed our side.
            MuxedStreamReset: the stream or its connection is gone.
        """
        sent = 0
        while sent < len(data):
            if self.is_reset:
                raise MuxedStreamReset("the stream was reset")
            if self.closed_at is not None:
                raise MuxedStreamClosed("the stream is closed for writing")
            size = min(self.send_window, wire.LARGEST_BODY, len(data) - sent)
            if not size:
                await self._changed.wait()
            elif self._connection.is_congested:
                await self._connection.drained()
            else:
                self.send_window -= size
                head = wire.header(wire.DATA, 0, self.stream_id, size)
                self._connection.send_data(head + data[sent : sent + size])
                sent += size
        await trio.lowlevel.checkpoint()

    async def close(self) -> None:
        """End our side."""
        if self.closed_at is None and not self.is_reset:
            self.closed_at = trio.current_time()
            self._connection.send_control(wire.WINDOW_UPDATE, wire.FIN, self.stream_id, 0)
            self._changed_now()
            self._forget_if_over()
        await trio.lowlevel.checkpoint()

    async def reset(self) -> None:
        """End both sides; what is unread is lost."""
        if not self.is_reset and not (self.closed_at is not None and self.peer_closed and not self.unread):
            self._connection.send_control(wire.WINDOW_UPDATE, wire.RST, self.stream_id, 0)
        self.end_by_reset()
        await trio.lowlevel.checkpoint()

    def receive(self, piece: bytes) -> None:
        """Put what the peer sent into the inbox."""
        self.unread += len(piece)
        self._inbox.append(piece)
        self._changed_now()

    def widen(self, increment: int) -> None:
        """The peer takes `increment` bytes more."""
        self.send_window += increment
        self._changed_now()

    def end_by_peer(self) -> None:
        """The peer has closed its side."""
        self.peer_closed = True
        self._changed_now()
        self._forget_if_over()

    def end_by_reset(self) -> None:
        """The stream is gone: reset by either end, or with its connection."""
        self.is_reset = True
        self._connection.release(self.unread)
        self.unread = 0
        self._inbox.clear()
        self._changed_now()
        self._connection.forget(self)

    def set_deadline(self, ttl: int) -> None:
        """Not supported: deadlines are cancel scopes."""
        raise NotImplementedError("use a cancel scope")

    def get_remote_address(self) -> tuple[str, int] | None:
        """The address of the connection's other end."""
        return self._connection.get_remote_address()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read_all(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while size <= _READ_ALL_LIMIT:
            try:
                pieces.append(await self.read(_READ_ALL_LIMIT))
            except MuxedStreamEOF:
                return b"".join(pieces)
            size += len(pieces[-1])
        await self.reset()
        raise MuxedStreamError(f"more than {_READ_ALL_LIMIT} bytes where everything is to be read at once")

    def _take(self, most: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while self._inbox and size < most:
            first = self._inbox[0]
            stop = min(len(first), self._offset + most - size)
            piece = first[self._offset : stop]
            if stop == len(first):
                self._inbox.popleft()
                stop = 0
            self._offset = stop
            size += len(piece)
            pieces.append(piece)
        self.unread -= size
        self._connection.release(size)
        self._forget_if_over()
        return b"".join(pieces)

    def _give_back(self, size: int) -> None:
        """Let the peer send more once half of its window has been read."""
        self._consumed += size
        if self._consumed < self._target // 2 or self.peer_closed or self.is_reset:
            return
        now = trio.current_time()
        increment = self._consumed
        if now - self._updated_at < _GROW_S and self._target < wire.LARGEST_WINDOW:
            increment += self._target
            self._target *= 2
        self._consumed = 0
        self._updated_at = now
        self.receive_window += increment
        self._connection.send_control(wire.WINDOW_UPDATE, 0, self.stream_id, increment)

    def _forget_if_over(self) -> None:
        if self.closed_at is not None and self.peer_closed and not self.unread:
            self._connection.forget(self)

    def _changed_now(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
