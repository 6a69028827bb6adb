"""What two members say to each other while they reconcile one log.

Every frame is a canonical CBOR array that begins with its type. Lists of ids travel as one byte
string, sorted and distinct, so that a thousand devices cost one check. docs/protocol/sync.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

from p2pchat.core import fields
from p2pchat.core.codec import Value, decode, encode
from p2pchat.core.ids import DeviceId, EntryId, Id
from p2pchat.core.log.entry import Entry
from p2pchat.errors import DecodeError

MAX_FRAME: Final = 512 * 1024
MAX_DEVICES: Final = 8192  # of one log; their heights fit one frame
MAX_IDS: Final = 8192  # in one frame
MAX_RANGE_MESSAGE: Final = 64 * 1024
FINGERPRINT_SIZE: Final = 16
_ENTRIES_ROOM: Final = MAX_FRAME - 16  # what is left beside type and array head
_PREFIX_SIZE: Final = 5  # of one entry's byte string

I = TypeVar("I", bound=Id)  # noqa: E741


@dataclass(frozen=True, slots=True)
class State:
    """How many entries I have, and the fingerprint of their ids (negentropy.py). Begins a round."""

    count: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Have:
    """How many entries I have of each device, those before the first gap."""

    heights: dict[DeviceId, int]


@dataclass(frozen=True, slots=True)
class Range:
    """Entries of one device, `first` and `last` included."""

    device: DeviceId
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Want:
    """Send me these; `more` says that another `Want` of this round follows."""

    ranges: tuple[Range, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries, asked for or new. Their signatures are not checked yet."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """All that one `Want`, or the last `WantIds`, asked for was sent."""


@dataclass(frozen=True, slots=True)
class Settled:
    """I have what I asked for, and sent what you did. `look_closer`: heights do not show all we lack."""

    look_closer: bool


@dataclass(frozen=True, slots=True)
class Reconcile:
    """A message of the Negentropy protocol."""

    message: bytes


@dataclass(frozen=True, slots=True)
class WantIds:
    """Send me these; `more` says that another `WantIds` follows."""

    ids: tuple[EntryId, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """You are not a member any more: say what you have, and I send what was written before I knew that."""


@dataclass(frozen=True, slots=True)
class Held:
    """Outside of rounds: what you pushed is stored, and these chains are so long now."""

    heights: dict[DeviceId, int]


Control: TypeAlias = State | Have | Want | Done | Settled | Reconcile | WantIds | Ended | Held
Frame: TypeAlias = Control | Entries


def encode_frame(frame: Control) -> bytes:
    """The frame as it travels. Entries are packed by `pack_entries`."""
    match frame:
        case State(count, fingerprint):
            return encode([1, count, fingerprint])
        case Have(heights):
            return _encode_heights(2, heights)
        case Held(heights):
            return _encode_heights(10, heights)
        case Want(ranges, more):
            ordered = sorted(ranges, key=lambda item: item.device)
            ends = [number for item in ordered for number in (item.first, item.last)]
            return encode([3, b"".join(item.device for item in ordered), ends, more])
        case Done():
            return encode([5])
        case Reconcile(message):
            return encode([6, message])
        case WantIds(ids, more):
            return encode([7, b"".join(sorted(ids)), more])
        case Settled(look_closer):
            return encode([8, look_closer])
        case Ended():
            return encode([9])


def pack_entries(raw_entries: Iterable[bytes]) -> Iterator[bytes]:
    """`Entries` frames, as few as hold `raw_entries`, each at most `MAX_FRAME` long."""
    batch: list[bytes] = []
    room = _ENTRIES_ROOM
    for raw in raw_entries:
        size = len(raw) + _PREFIX_SIZE
        if batch and size > room:
            yield encode([4, batch])
            batch, room = [], _ENTRIES_ROOM
        batch.append(raw)
        room -= size
    if batch:
        yield encode([4, batch])


def decode_frame(raw: bytes) -> Frame:
    """The frame in `raw`.

    Raises:
        DecodeError: it is malformed, too large, or of an unknown type.
    """
    value = decode(raw, limit=MAX_FRAME)
    if type(value) is not list or not value:
        raise DecodeError("a frame is an array")
    match fields.integer(value[0]):
        case 1:
            _, count, fingerprint = fields.array(value, 3)
            return State(
                fields.integer(count), fields.blob(fingerprint, least=FINGERPRINT_SIZE, most=FINGERPRINT_SIZE)
            )
        case 2:
            return Have(_heights(value))
        case 3:
            _, devices, ends, more = fields.array(value, 4)
            return Want(_ranges(_ids(devices, DeviceId, most=MAX_DEVICES), ends), fields.boolean(more))
        case 4:
            _, entries = fields.array(value, 2)
            return Entries(
                tuple(
                    Entry.decode(fields.blob(item, most=MAX_FRAME))
                    for item in fields.items(entries, most=MAX_FRAME)
                )
            )
        case 5:
            fields.array(value, 1)
            return Done()
        case 6:
            _, message = fields.array(value, 2)
            return Reconcile(fields.blob(message, least=1, most=MAX_RANGE_MESSAGE))
        case 7:
            _, entry_ids, more = fields.array(value, 3)
            return WantIds(_ids(entry_ids, EntryId, most=MAX_IDS), fields.boolean(more))
        case 8:
            _, look_closer = fields.array(value, 2)
            return Settled(fields.boolean(look_closer))
        case 9:
            fields.array(value, 1)
            return Ended()
        case 10:
            return Held(_heights(value))
    raise DecodeError("unknown frame")


def _encode_heights(kind: int, heights: dict[DeviceId, int]) -> bytes:
    devices = sorted(heights)
    return encode([kind, b"".join(devices), [heights[device] for device in devices]])


def _heights(value: Value) -> dict[DeviceId, int]:
    _, devices, heights = fields.array(value, 3)
    ids = _ids(devices, DeviceId, most=MAX_DEVICES)
    numbers = [fields.integer(height, low=1) for height in fields.array(heights, len(ids))]
    return dict(zip(ids, numbers, strict=True))


def _ids(value: Value, kind: type[I], *, most: int) -> tuple[I, ...]:
    joined = fields.blob(value, most=most * kind.size)
    ids = tuple(kind(joined[i : i + kind.size]) for i in range(0, len(joined), kind.size))
    if any(one >= other for one, other in pairwise(ids)):
        raise DecodeError("ids must be sorted and distinct")
    return ids


def _ranges(devices: Sequence[DeviceId], ends: Value) -> tuple[Range, ...]:
    numbers = [fields.integer(number, low=1) for number in fields.array(ends, 2 * len(devices))]
    ranges = tuple(map(Range, devices, numbers[::2], numbers[1::2]))
    if any(item.first > item.last for item in ranges):
        raise DecodeError("a range must not be empty")
    return ranges
