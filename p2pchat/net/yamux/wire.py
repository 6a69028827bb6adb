"""Yamux frames as bytes: a 12-byte header, and for data frames a body (specification, "Framing")."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from p2pchat.errors import ProtocolError

DATA: Final = 0
WINDOW_UPDATE: Final = 1
PING: Final = 2
GO_AWAY: Final = 3

SYN: Final = 1
ACK: Final = 2
FIN: Final = 4
RST: Final = 8

INITIAL_WINDOW: Final = 256 * 1024  # what each side may send on a new stream, by the specification
LARGEST_WINDOW: Final = 1024 * 1024  # what we open it to for a stream that carries much
LARGEST_MESSAGE: Final = 16 * 1024  # of Noise: nothing of one is heard before its end, also on a slow link
LARGEST_BODY: Final = LARGEST_MESSAGE - 12  # of the frames we send

_HEADER: Final = struct.Struct("!BBHII")


class Header(NamedTuple):
    """What comes before each frame's body, without the version. `length` is a count of bytes for DATA,
    an increment for WINDOW_UPDATE, an opaque value for PING and a reason for GO_AWAY."""

    kind: int
    flags: int
    stream: int
    length: int


def header(kind: int, flags: int, stream: int, length: int) -> bytes:
    """The bytes of a header."""
    return _HEADER.pack(0, kind, flags, stream, length)


class FrameReader:
    """Cuts the bytes of a connection into headers and pieces of bodies.

    A body is handed on piece by piece as it arrives: what a header announces is never waited for,
    and so costs no memory.
    """

    def __init__(self) -> None:
        self._rest = b""  # the beginning of a header
        self._body = 0  # bytes of the current frame's body that have not come yet

    def feed(self, data: bytes) -> Iterator[Header | bytes]:
        """The headers and pieces of bodies in `data`; a piece belongs to the DATA header before it.

        Raises:
            ProtocolError: an unknown version or kind, or a body larger than any window.
        """
        if self._rest:
            data, self._rest = self._rest + data, b""
        position, end = 0, len(data)
        while position < end:
            if self._body:
                piece = data[position : position + self._body]
                self._body -= len(piece)
                position += len(piece)
                yield piece
            elif end - position < _HEADER.size:
                self._rest = data[position:]
                return
            else:
                version, kind, flags, stream, length = _HEADER.unpack_from(data, position)
                position += _HEADER.size
                if version != 0 or kind > GO_AWAY:
                    raise ProtocolError(f"yamux frame of version {version} and kind {kind}")
                if kind == DATA:
                    if length > LARGEST_WINDOW:
                        raise ProtocolError(f"yamux body of {length} bytes")
                    self._body = length
                yield Header(kind, flags, stream, length)
