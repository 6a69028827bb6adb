"""What members of a group tell each other so that debts among them can be simplified; all of it opt-in.

ask       [1, group, unit]                            what do you owe and are owed among us?
report    [1, group, unit, [[person, minor], ...]]    above zero he owes me, below zero I owe him
circle    [1, group, unit, minor, [person, ...]]      please begin: each owes the next, the last the first
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import GroupId, PersonId
from p2pchat.core.ledger.money import MAX_MINOR
from p2pchat.core.ledger.simplify import MAX_LENGTH, Cycle
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError

MAX_PEOPLE: Final = 1000
_VERSION: Final = 1

Standing: TypeAlias = dict[PersonId, int]


class Report(msgspec.Struct, frozen=True):
    """What one member says stands between him and the others in `unit`."""

    group: GroupId
    unit: Unit
    standing: Standing


def debts(reports: Mapping[PersonId, Standing]) -> dict[tuple[PersonId, PersonId], int]:
    """(debtor, creditor): what both of them say is owed; where they differ, the smaller figure."""
    found = {}
    for debtor, stated in reports.items():
        for creditor, minor in stated.items():
            claimed = reports.get(creditor, {}).get(debtor, 0)
            if minor < 0 < claimed:
                found[debtor, creditor] = min(-minor, claimed)
    return found


def encode_ask(group: GroupId, unit: Unit) -> bytes:
    """The bytes of a question."""
    return codec.encode([_VERSION, bytes(group), unit_value(unit)])


def decode_ask(raw: bytes) -> tuple[GroupId, Unit]:
    """The group and the unit of a question. Raises DecodeError."""
    group, unit = _versioned(raw, 2)
    return fields.identifier(group, GroupId), read_unit(unit)


def encode_report(report: Report) -> bytes:
    """The bytes of `report`."""
    rows: list[Value] = [[bytes(person), minor] for person, minor in sorted(report.standing.items())]
    return codec.encode([_VERSION, bytes(report.group), unit_value(report.unit), rows[:MAX_PEOPLE]])


def decode_report(raw: bytes) -> Report:
    """The report in `raw`. Raises DecodeError."""
    group, unit, rows = _versioned(raw, 3)
    pairs = [fields.array(row, 2) for row in fields.items(rows, most=MAX_PEOPLE)]
    standing = {
        fields.identifier(person, PersonId): fields.integer(minor, low=1 - MAX_MINOR, high=MAX_MINOR)
        for person, minor in pairs
    }
    return Report(fields.identifier(group, GroupId), read_unit(unit), standing)


def encode_circle(group: GroupId, unit: Unit, circle: Cycle[PersonId]) -> bytes:
    """The bytes of a wish that a circle be cleared."""
    people: list[Value] = [bytes(person) for person in circle.people]
    return codec.encode([_VERSION, bytes(group), unit_value(unit), circle.minor, people])


def decode_circle(raw: bytes) -> tuple[GroupId, Unit, Cycle[PersonId]]:
    """The group, the unit and the circle of a wish. Raises DecodeError."""
    group, unit, minor, people = _versioned(raw, 4)
    named = tuple(fields.identifier(one, PersonId) for one in fields.items(people, most=MAX_LENGTH))
    if len(set(named)) != len(named) or len(named) < 3:
        raise DecodeError("a circle has three to five people, each of them once")
    circle = Cycle(named, fields.integer(minor, low=1, high=MAX_MINOR))
    return fields.identifier(group, GroupId), read_unit(unit), circle


def _versioned(raw: bytes, length: int) -> list[Value]:
    version, *rest = fields.array(codec.decode(raw), length + 1)
    fields.integer(version, low=_VERSION, high=_VERSION + 1)
    return rest
