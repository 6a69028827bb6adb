"""Range-based set reconciliation: find what two sets of entries do not share.

Negentropy protocol, version 1 (https://github.com/hoytech/negentropy, docs/negentropy-protocol-v1.md).
Both sides sort their entries by (timestamp, id); here the timestamp is the Lamport time, so the order
is the one the log is shown in. They exchange fingerprints of ranges, split where these differ, and
list ids where a range is small. The bytes grow with the difference, not with the sets. The answering
side keeps no state between messages.

A fingerprint is made of a sum of ids mod 2**256 and a count, so a store can keep sums for stretches
of the log and need not read the entries (buckets.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from p2pchat.core.ids import EntryId
from p2pchat.core.log.order import Position
from p2pchat.errors import ProtocolError

VERSION: Final = 0x61
FINGERPRINT_SIZE: Final = 16
MIN_FRAME: Final = 4096
_SKIP, _FINGERPRINT, _ID_LIST = range(3)
_BUCKETS: Final = 16
_RESERVE: Final = 200  # bytes of a frame kept for the range that closes a message cut short
_LAST_TIMESTAMP: Final = (1 << 64) - 1

Bound: TypeAlias = tuple[int, bytes]  # timestamp and a prefix of an id: sorts among positions
_INFINITY: Final[Bound] = (_LAST_TIMESTAMP, b"")


class Storage(Protocol):
    """A sorted set of entries, addressed by their places in it: 0, 1, 2 ..."""

    def size(self) -> int:
        """How many entries there are."""

    def lower_bound(self, bound: Bound) -> int:
        """How many entries are below `bound`."""

    def items(self, begin: int, end: int) -> Sequence[Position]:
        """The entries from `begin` up to, not including, `end`."""

    def total(self, begin: int, end: int) -> int:
        """The sum mod 2**256 of their ids, each read as a little-endian number."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one message taught the initiating side."""

    message: bytes | None  # to send next; None when all is known
    have: tuple[EntryId, ...]  # only this side has them
    need: tuple[EntryId, ...]  # only the other side has them


def fingerprint(total: int, count: int) -> bytes:
    """The fingerprint of `count` entries whose ids add up to `total`."""
    return hashlib.sha256(total.to_bytes(32, "little") + _varint(count)).digest()[:FINGERPRINT_SIZE]


def initiate(storage: Storage) -> bytes:
    """The first message."""
    writer = _Writer(storage, 0)
    writer.split(0, storage.size(), _INFINITY)
    return writer.message()


def respond(storage: Storage, message: bytes, *, frame_limit: int = 0) -> bytes:
    """The answer to a message of the initiating side, at most `frame_limit` bytes unless 0.

    Raises:
        ProtocolError: the message is malformed.
    """
    if _version(message) != VERSION:
        return bytes([VERSION])  # says which version we could speak
    return _reconcile(storage, message, frame_limit, None)


def reconcile(storage: Storage, message: bytes, *, frame_limit: int = 0) -> Progress:
    """What an answer taught the initiating side, and its next message.

    Raises:
        ProtocolError: the message is malformed, or in a version we do not speak.
    """
    if _version(message) != VERSION:
        raise ProtocolError("the peer speaks another version of Negentropy")
    found = _Found([], [])
    answer = _reconcile(storage, message, frame_limit, found)
    return Progress(answer if len(answer) > 1 else None, tuple(found.have), tuple(found.need))


@dataclass(frozen=True, slots=True)
class _Found:
    have: list[EntryId]
    need: list[EntryId]

    def compare(self, ours: Sequence[Position], theirs: Sequence[EntryId]) -> None:
        left = dict.fromkeys(theirs)
        for _, id in ours:
            if id in left:
                del left[id]
            else:
                self.have.append(id)
        self.need.extend(left)


def _reconcile(storage: Storage, message: bytes, frame_limit: int, found: _Found | None) -> bytes:
    """The answer to `message`; `found` is where the initiating side learns, None for the other."""
    reader, writer = _Reader(message), _Writer(storage, frame_limit)
    size = storage.size()
    lower, lower_bound = 0, (0, b"")
    while not reader.at_end():
        mark = writer.mark()
        bound, mode = reader.bound(), reader.varint()
        if bound < lower_bound:
            raise ProtocolError("ranges must not go backwards")
        upper = storage.lower_bound(bound) if bound < _INFINITY else size
        if mode == _SKIP:
            writer.skip(bound)
        elif mode == _FINGERPRINT:
            if reader.take(FINGERPRINT_SIZE) == fingerprint(storage.total(lower, upper), upper - lower):
                writer.skip(bound)
            else:
                writer.split(lower, upper, bound)
        elif mode == _ID_LIST:
            theirs = reader.ids()
            if found is not None:
                found.compare(storage.items(lower, upper), theirs)
                writer.skip(bound)
            else:
                upper = writer.list_ids(lower, upper, bound)
                mark = writer.mark()
        else:
            raise ProtocolError("unknown mode of a range")
        if writer.is_full():
            writer.rewind(mark)
            writer.close(upper, size)
            break
        lower, lower_bound = upper, bound
    return writer.message()


class _Reader:
    def __init__(self, message: bytes) -> None:
        self._data = message
        self._at = 1
        self._timestamp = 0

    def at_end(self) -> bool:
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ProtocolError("the message ends too early")
        self._at += count
        return taken

    def varint(self) -> int:
        """A number in base 128, most significant digit first, in as few digits as possible."""
        number = 0
        for position in range(10):
            digit = self.take(1)[0]
            if position == 0 and digit == 0x80:
                raise ProtocolError("a number has a leading zero")
            number = number << 7 | digit & 0x7F
            if digit < 0x80:
                return number
        raise ProtocolError("a number is too large")

    def bound(self) -> Bound:
        encoded = self.varint()
        if encoded == 0 or self._timestamp == _LAST_TIMESTAMP:
            self._timestamp = _LAST_TIMESTAMP
        else:
            self._timestamp += encoded - 1
            if self._timestamp > _LAST_TIMESTAMP:
                raise ProtocolError("a timestamp is too large")
        length = self.varint()
        if length > EntryId.size:
            raise ProtocolError("a bound is longer than an id")
        return self._timestamp, self.take(length)

    def ids(self) -> list[EntryId]:
        joined = self.take(self.varint() * EntryId.size)
        return [EntryId(joined[i : i + EntryId.size]) for i in range(0, len(joined), EntryId.size)]


class _Writer:
    """Writes ranges one behind the other; neighbouring skips become one, and a last skip is left out."""

    def __init__(self, storage: Storage, frame_limit: int) -> None:
        if frame_limit and frame_limit < MIN_FRAME:
            raise ValueError(f"a frame needs at least {MIN_FRAME} bytes")
        self._storage = storage
        self._limit = frame_limit - _RESERVE if frame_limit else None
        self._out = bytearray([VERSION])
        self._timestamp = 0
        self._skipped: Bound | None = None

    def message(self) -> bytes:
        return bytes(self._out)

    def is_full(self, more: int = 0) -> bool:
        return self._limit is not None and len(self._out) + more > self._limit

    def mark(self) -> tuple[int, Bound | None]:
        return len(self._out), self._skipped

    def rewind(self, mark: tuple[int, Bound | None]) -> None:
        """Take back what was written since `mark`; only `close` may follow."""
        length, self._skipped = mark
        del self._out[length:]

    def skip(self, bound: Bound) -> None:
        self._skipped = bound

    def split(self, lower: int, upper: int, bound: Bound) -> None:
        """Say what is between: the ids if they are few, else the fingerprints of sixteen parts."""
        count = upper - lower
        if count < 2 * _BUCKETS:
            ids = [id for _, id in self._storage.items(lower, upper)]
            self._range(bound, _ID_LIST, _varint(count), *ids)
            return
        size, larger = divmod(count, _BUCKETS)
        for bucket in range(_BUCKETS):
            end = lower + size + (bucket < larger)
            upper_bound = bound if end == upper else self._bound_at(end)
            total = self._storage.total(lower, end)
            self._range(upper_bound, _FINGERPRINT, fingerprint(total, end - lower))
            lower = end

    def list_ids(self, lower: int, upper: int, bound: Bound) -> int:
        """List the ids up to `upper`, or to where the frame is full; returns the place reached."""
        ids: list[EntryId] = []
        for position in self._storage.items(lower, upper):
            if self.is_full(len(ids) * EntryId.size):
                bound = position
                break
            ids.append(position[1])
        self._range(bound, _ID_LIST, _varint(len(ids)), *ids)
        return lower + len(ids)

    def close(self, lower: int, size: int) -> None:
        """End a message that is full with one fingerprint for all that it does not cover."""
        total = self._storage.total(lower, size)
        self._skipped = None
        self._range(_INFINITY, _FINGERPRINT, fingerprint(total, size - lower))

    def _bound_at(self, index: int) -> Bound:
        """The shortest bound between the entry at `index` and the one before it."""
        (before, before_id), (timestamp, id) = self._storage.items(index - 1, index + 1)
        if timestamp != before:
            return timestamp, b""
        shared = next(i for i, (one, other) in enumerate(zip(id, before_id, strict=True)) if one != other)
        return timestamp, bytes(id[: shared + 1])

    def _range(self, bound: Bound, mode: int, *payload: bytes) -> None:
        self._write_skip()
        self._write_bound(bound)
        self._out += _varint(mode)
        for part in payload:
            self._out += part

    def _write_skip(self) -> None:
        if self._skipped is not None:
            self._write_bound(self._skipped)
            self._out += _varint(_SKIP)
            self._skipped = None

    def _write_bound(self, bound: Bound) -> None:
        timestamp, prefix = bound
        if timestamp == _LAST_TIMESTAMP:
            self._out += _varint(0)
        else:
            self._out += _varint(timestamp - self._timestamp + 1)
        self._timestamp = timestamp
        self._out += _varint(len(prefix)) + prefix


def _version(message: bytes) -> int:
    if not message or not 0x60 <= message[0] <= 0x6F:
        raise ProtocolError("not a message of Negentropy")
    return message[0]


def _varint(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))
