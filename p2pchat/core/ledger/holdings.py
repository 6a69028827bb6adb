"""What one side says it holds: the heads of every account with the other, after which it has nothing.

A restored device asks for this. It binds itself again only once it holds all of it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError

MAX_ACCOUNTS: Final = 64  # units that two people ever counted in
MAX_HEADS: Final = 128
_VERSION: Final = 1

Holdings: TypeAlias = tuple[tuple[Unit, tuple[LedgerEntryId, ...]], ...]


def encode(holdings: Holdings) -> bytes:
    """The bytes of `holdings`; of more than fit the first are taken."""
    rows: list[Value] = [
        [unit_value(unit), [bytes(head) for head in heads[:MAX_HEADS]]]
        for unit, heads in holdings[:MAX_ACCOUNTS]
    ]
    return codec.encode([_VERSION, rows])


def decode(raw: bytes) -> Holdings:
    """The holdings whose one encoding is `raw`.

    Raises:
        DecodeError: malformed, or one unit stands there twice.
    """
    version, rows = fields.array(codec.decode(raw), 2)
    if fields.integer(version) != _VERSION:
        raise DecodeError("unknown version of what somebody holds")
    found = tuple(_row(row) for row in fields.items(rows, most=MAX_ACCOUNTS))
    if len({unit for unit, _heads in found}) != len(found):
        raise DecodeError("one account is named twice")
    return found


def _row(value: Value) -> tuple[Unit, tuple[LedgerEntryId, ...]]:
    unit, heads = fields.array(value, 2)
    named = (fields.identifier(head, LedgerEntryId) for head in fields.items(heads, most=MAX_HEADS))
    return read_unit(unit), tuple(named)
