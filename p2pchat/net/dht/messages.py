"""What nodes of the table say to each other: one frame asks, one frame answers.

    find    [0, key, asker's record | null]    ->  [own record, record at key | null, [nearer record, ...]]
    store   [1, record]                        ->  whether it was kept

Records travel in their signed form and are verified on arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.errors import DecodeError
from p2pchat.net.dht.record import MAX_RECORD, AddressRecord

PROTOCOL: Final = "table/1"
NEARER: Final = 8
"""Nearer nodes in an answer: as many as a search wants in the end; each costs 300 bytes."""
FRAME_LIMIT: Final = (NEARER + 3) * MAX_RECORD

_FIND: Final = 0
_STORE: Final = 1
_KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Find:
    """Who is nearest to `key`, and what is kept there?"""

    key: bytes
    asker: AddressRecord | None
    """Whom to remember as a node of the table, if the asker is one."""


@dataclass(frozen=True, slots=True)
class Store:
    """Please keep this."""

    record: AddressRecord


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to Find."""

    answerer: AddressRecord
    record: AddressRecord | None
    nearer: tuple[AddressRecord, ...]


def encode_request(request: Find | Store) -> bytes:
    """The frame that carries `request`."""
    if isinstance(request, Store):
        return codec.encode([_STORE, request.record.encoded])
    return codec.encode([_FIND, request.key, _encoded(request.asker)])


def decode_request(frame: bytes) -> Find | Store:
    """The request in `frame`; raises ProtocolError if it holds none."""
    message = fields.items(codec.decode(frame, limit=FRAME_LIMIT), most=3)
    if len(message) == 2 and message[0] == _STORE:
        return Store(_record(message[1]))
    if len(message) == 3 and message[0] == _FIND:
        key = fields.blob(message[1], least=_KEY_SIZE, most=_KEY_SIZE)
        return Find(key, _optional(message[2]))
    raise DecodeError("not a request to the table")


def encode_found(found: Found) -> bytes:
    """The frame that answers Find."""
    nearer = [record.encoded for record in found.nearer]
    return codec.encode([found.answerer.encoded, _encoded(found.record), nearer])


def decode_found(frame: bytes) -> Found:
    """The answer in `frame`; raises ProtocolError if it holds none."""
    answer = fields.array(codec.decode(frame, limit=FRAME_LIMIT), 3)
    nearer = tuple(_record(item) for item in fields.items(answer[2], most=NEARER))
    return Found(_record(answer[0]), _optional(answer[1]), nearer)


def encode_kept(kept: bool) -> bytes:
    """The frame that answers Store."""
    return codec.encode(kept)


def decode_kept(frame: bytes) -> bool:
    """The answer in `frame`; raises ProtocolError if it holds none."""
    return fields.boolean(codec.decode(frame, limit=FRAME_LIMIT))


def _encoded(record: AddressRecord | None) -> bytes | None:
    return record.encoded if record is not None else None


def _record(value: Value) -> AddressRecord:
    return AddressRecord.decode(fields.blob(value, most=MAX_RECORD))


def _optional(value: Value) -> AddressRecord | None:
    return None if value is None else _record(value)
