"""Operations to bytes and back, by one table: the type number and how each field is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from p2pchat.core import fields
from p2pchat.core.codec import Value, decode, encode
from p2pchat.core.group.operations import (
    NONCE_SIZE,
    Add,
    Admit,
    Ban,
    Checkpoint,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    Link,
    NewCard,
    Operation,
    Policy,
    Promote,
    Remove,
    Rename,
    RevokeLink,
    Role,
    Seen,
    SetPolicy,
    Unban,
)
from p2pchat.core.identity import MAX_CARD, MAX_NAME, clean_name
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.core.keys import SIGNATURE_SIZE
from p2pchat.core.log.entry import MAX_BODY
from p2pchat.errors import DecodeError

VERSION: Final = 1
MAX_SEEN: Final = 512
MAX_USES: Final = 100_000
_MAX_DAYS: Final = 36_500

Read = Callable[[Value], object]


def _exactly(size: int) -> Read:
    return lambda value: fields.blob(value, least=size, most=size)


def _person(value: Value) -> PersonId:
    return fields.identifier(value, PersonId)


def _device(value: Value) -> DeviceId:
    return fields.identifier(value, DeviceId)


def _entry(value: Value) -> EntryId:
    return fields.identifier(value, EntryId)


def _role(value: Value) -> Role:
    return Role(fields.integer(value, low=Role.READER, high=Role.OWNER + 1))


def _name(value: Value) -> str:
    name = fields.text(value, least=1, most=MAX_NAME)
    if clean_name(name) != name:
        raise DecodeError("a group's name is one line of printable text")
    return name


def _policy(value: Value) -> Policy:
    days, invite, write, quorum = fields.array(value, 4)
    return Policy(
        None if days is None else fields.integer(days, high=_MAX_DAYS),
        _role(invite),
        _role(write),
        fields.integer(quorum, low=1, high=256),
    )


def _card(value: Value) -> bytes:
    return fields.blob(value, least=1, most=MAX_CARD)


def _seen(value: Value) -> Seen:
    pairs = [fields.array(item, 2) for item in fields.items(value, most=MAX_SEEN)]
    heights = tuple((_device(device), fields.integer(height, low=1)) for device, height in pairs)
    devices = [device for device, _ in heights]
    if devices != sorted(set(devices)):
        raise DecodeError("devices must be sorted and distinct")
    return Seen(heights)


def _uses(value: Value) -> int:
    return fields.integer(value, low=1, high=MAX_USES + 1)


_TYPES: Final[dict[int, tuple[type[Any], tuple[Read, ...]]]] = {
    1: (Create, (_exactly(NONCE_SIZE), _name, _policy, _card)),
    2: (Invite, (_person, _role)),
    3: (Join, (_entry, _card)),
    4: (Add, (_person, _role, _card)),
    5: (Remove, (_person, _seen)),
    6: (Leave, (_seen,)),
    7: (Promote, (_person, _role)),
    8: (Demote, (_person, _role)),
    9: (Rename, (_name,)),
    10: (SetPolicy, (_policy,)),
    11: (Ban, (_person, _seen)),
    12: (Unban, (_person,)),
    13: (Link, (_exactly(32), _role, _uses, fields.integer)),
    14: (RevokeLink, (_entry,)),
    15: (Admit, (_person, _entry, _card, _device, _exactly(SIGNATURE_SIZE), _exactly(SIGNATURE_SIZE))),
    16: (NewCard, (_card, _seen)),
    17: (Checkpoint, (_seen,)),
}
_NUMBERS: Final = {kind: number for number, (kind, _) in _TYPES.items()}


def encode_operation(operation: Operation) -> bytes:
    """The body of the entry that carries `operation`."""
    values = [getattr(operation, field.name) for field in dataclasses.fields(operation)]
    return encode([VERSION, _NUMBERS[type(operation)], *map(_plain, values)])


def decode_operation(body: bytes) -> Operation:
    """The operation in the body of an entry of kind "group".

    Raises:
        DecodeError: malformed, or of a version or type that is not known.
    """
    value = decode(body, limit=MAX_BODY)
    if type(value) is not list or len(value) < 3:
        raise DecodeError("an operation is an array")
    version, number, by, *rest = value
    if fields.integer(version) != VERSION:
        raise DecodeError("unknown version of an operation")
    kind, readers = _TYPES.get(fields.integer(number), (None, ()))
    if kind is None:
        raise DecodeError("unknown operation")
    values = fields.array(rest, len(readers))
    operation: Operation = kind(
        _person(by), *(read(item) for read, item in zip(readers, values, strict=True))
    )
    return operation


def _plain(value: object) -> object:
    """`value` as CBOR has it."""
    match value:
        case Policy(history_days, invite, write, quorum):
            return [history_days, int(invite), int(write), quorum]
        case Seen(heights):
            return heights
        case Role():
            return int(value)
    return value
