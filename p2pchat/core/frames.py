"""Frames on a byte stream: a 32-bit big-endian length, then the body.

Sans-IO: `encode` makes bytes to write, a `FrameDecoder` is fed whatever was read. The announced
length is checked before anything is kept for it, so an attacker's "100 MB follow" costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from p2pchat.errors import ProtocolError, UsageError

LENGTH_SIZE: Final = 4
WRITE_SIZE: Final = 64 * 1024  # what one write gathers: a Noise message holds just under this


def encode(frames: Iterable[bytes], *, limit: int) -> Iterator[bytes]:
    """The bytes to write for `frames`, gathered into pieces of about `WRITE_SIZE`.

    Raises:
        UsageError: a frame is longer than `limit` bytes.
    """
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        if len(frame) > limit:
            raise UsageError(f"a frame of {len(frame)} bytes is above the limit of {limit}")
        piece += (len(frame).to_bytes(LENGTH_SIZE, "big"), frame)
        size += LENGTH_SIZE + len(frame)
        if size >= WRITE_SIZE:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


class FrameDecoder:
    """Finds the frames in what one stream delivered so far.

    It keeps at most one unfinished frame: `limit` bytes and a length.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""  # the beginning of a frame that has not arrived whole
        self._parts: list[bytes] = []  # what follows `_rest`; joined once, when the frame is complete
        self._missing = LENGTH_SIZE  # bytes to wait for before it is worth looking again

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes, in order.

        Raises:
            ProtocolError: a frame is announced that is longer than the limit.
        """
        if len(data) < self._missing:
            self._parts.append(data)
            self._missing -= len(data)
            if len(self._parts) >= WRITE_SIZE // 64:  # a peer that sends byte by byte buys no list of bytes
                self._parts = [b"".join(self._parts)]
            return []
        if self._rest or self._parts:
            data = b"".join((self._rest, *self._parts, data))
            self._parts = []
        frames: list[bytes] = []
        start, end = 0, len(data)
        while True:
            body = start + LENGTH_SIZE
            if body > end:
                self._missing = body - end
                break
            length = int.from_bytes(data[start:body], "big")
            if length > self._limit:
                raise ProtocolError(f"a frame of {length} bytes is announced, at most {self._limit} allowed")
            stop = body + length
            if stop > end:
                self._missing = stop - end
                break
            frames.append(data[body:stop])
            start = stop
        self._rest = data[start:]
        return frames

    @property
    def buffered(self) -> int:
        """Bytes of an unfinished frame that are kept."""
        return len(self._rest) + sum(map(len, self._parts))
