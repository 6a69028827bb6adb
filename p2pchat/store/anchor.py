"""The last thing this device has signed, remembered outside the store: an old store is told by it.

Two slots in one file take turns, each with a counter and a checksum, so a write that a power cut tears
leaves the other. One write and one sync; the file never grows, so a full disk does not stop it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final, NamedTuple

_SLOT: Final = 512  # a sector: slots do not share one
_ID: Final = 32
_BODY: Final = 8 + 2 * _ID


class Mark(NamedTuple):
    """Who signed, and what: hashes of 32 bytes, so the file names nobody."""

    writer: bytes
    last: bytes


class Anchor:
    """The file at `path`, which this process alone writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: int | None = None  # the counter of the newest slot, once it is known

    def read(self) -> Mark | None:
        """What was noted last; None if the file is missing, or no slot of it is whole."""
        slots = [slot for slot in _slots(self.path) if slot is not None]
        return max(slots)[1] if slots else None

    def write(self, mark: Mark) -> None:
        """Note `mark`; it is on the disk when this returns.

        Raises:
            OSError: the disk failed.
        """
        if self._written is None:
            self._written = max((slot[0] for slot in _slots(self.path) if slot is not None), default=0)
        counter = self._written + 1
        body = counter.to_bytes(8, "big") + mark.writer + mark.last
        data = (body + hashlib.sha256(body).digest()).ljust(_SLOT, b"\0")
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, data, counter % 2 * _SLOT)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        self._written = counter


def _slots(path: Path) -> list[tuple[int, Mark] | None]:
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    return [_slot(data[start : start + _SLOT]) for start in (0, _SLOT)]


def _slot(data: bytes) -> tuple[int, Mark] | None:
    body, checksum = data[:_BODY], data[_BODY : _BODY + _ID]
    if len(body) < _BODY or hashlib.sha256(body).digest() != checksum:
        return None
    return int.from_bytes(body[:8], "big"), Mark(body[8 : 8 + _ID], body[8 + _ID :])
