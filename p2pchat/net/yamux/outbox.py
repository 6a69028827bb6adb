"""Frames on their way to the socket: whoever sends only queues, one task writes.

So a sender that is cancelled never leaves half a Noise message behind, and small frames that are
queued together travel together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import trio

from p2pchat.net.yamux import wire

_CONGESTED: Final = 256 * 1024  # bytes that make senders of data wait


class Outbox:
    """The queue of one connection, and the task that empties it; `sent` is told the size of each message."""

    def __init__(self, secured_conn: Any, sent: Callable[[int], None]) -> None:
        self.size = 0  # bytes queued or being written
        self._secured_conn = secured_conn
        self._sent = sent
        self._frames: list[bytes] = []
        self._filled = trio.Event()
        self._drained = trio.Event()

    @property
    def is_congested(self) -> bool:
        """Whether so much is queued that senders of data should wait for `drained`."""
        return self.size >= _CONGESTED

    def put(self, frame: bytes) -> None:
        """Queue a frame."""
        self._frames.append(frame)
        self.size += len(frame)
        self._filled.set()

    async def drained(self) -> None:
        """Return once something more has been written, or nothing will be any longer."""
        await self._drained.wait()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._drained.set()
        self._drained = trio.Event()

    async def run(self) -> None:
        """Write what is queued, for ever.

        Raises:
            Exception: whatever the connection raises when it breaks.
        """
        while True:
            while not self._frames:
                self._filled = trio.Event()
                await self._filled.wait()
            data = b"".join(self._frames)
            self._frames.clear()
            for start in range(0, len(data), wire.LARGEST_MESSAGE):
                piece = data[start : start + wire.LARGEST_MESSAGE]
                await self._secured_conn.write(piece)
                self.size -= len(piece)
                self._sent(len(piece))
            self.wake()
