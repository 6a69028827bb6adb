"""Dividing a bill so that the parts add up exactly: the largest remainder method.

Everybody first gets the whole smallest parts of the ideal share; what is left over goes, one each, to
those with the largest fractions. Ties are broken by a hash over the expense and the person, so that
the odd cent does not always hit the same one, and everybody computes the same. Hamilton's method;
see Balinski and Young, "Fair Representation" (1982), chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import msgspec

from p2pchat.core.ids import PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ledger.details import BASIS_POINTS
from p2pchat.errors import UsageError


class Item(msgspec.Struct, frozen=True):
    """One line of a bill: `minor` smallest parts, shared equally by `people`."""

    minor: int
    people: tuple[PersonId, ...]


def equal(total: int, people: Iterable[PersonId], salt: bytes) -> dict[PersonId, int]:
    """The same for everybody; `salt` is the expense's id."""
    return by_shares(total, dict.fromkeys(people, 1), salt)


def by_shares(total: int, shares: Mapping[PersonId, int], salt: bytes) -> dict[PersonId, int]:
    """In proportion to `shares`, for instance two for a couple.

    Raises:
        UsageError: no people, a negative number of shares, or none at all.
    """
    _check_people(shares)
    if min(shares.values()) < 0 or not any(shares.values()):
        raise UsageError("Shares are whole numbers from zero, and at least one is above zero")
    whole = sum(shares.values())
    return _apportion({person: Fraction(total * share, whole) for person, share in shares.items()}, salt)


def by_percent(total: int, basis_points: Mapping[PersonId, int], salt: bytes) -> dict[PersonId, int]:
    """By hundredths of a percent, 10,000 in all.

    Raises:
        UsageError: they do not add up to 100 %; it says what is missing or too much.
    """
    _check_people(basis_points)
    if min(basis_points.values()) < 0:
        raise UsageError("A percentage is zero or more")
    difference = BASIS_POINTS - sum(basis_points.values())
    if difference:
        percent = f"{abs(difference) // 100}.{abs(difference) % 100:02d} %"
        raise UsageError(f"The percentages have {percent} {'missing' if difference > 0 else 'too much'}")
    return by_shares(total, basis_points, salt)


def exact(total: int, parts: Mapping[PersonId, int]) -> dict[PersonId, int]:
    """The very parts given.

    Raises:
        UsageError: a part is negative, or they do not add up; it says by how many smallest parts.
    """
    _check_people(parts)
    if min(parts.values()) < 0:
        raise UsageError("A part is zero or more")
    difference = total - sum(parts.values())
    if difference:
        verdict = "are missing" if difference > 0 else "are too much"
        raise UsageError(f"The parts do not add up to the total: {abs(difference)} smallest parts {verdict}")
    return dict(parts)


def itemised(items: Iterable[Item], extra: int, salt: bytes) -> dict[PersonId, int]:
    """Each line shared by its people; `extra` (tax and tip) in proportion to what each one had.

    Raises:
        UsageError: no line above zero, a line without people, or a negative number.
    """
    had: dict[PersonId, Fraction] = {}
    for item in items:
        _check_people(item.people)
        if item.minor < 0:
            raise UsageError("A line of the bill is zero or more")
        for person in item.people:
            had[person] = had.get(person, Fraction(0)) + Fraction(item.minor, len(item.people))
    subtotal = sum(had.values())
    if not subtotal or extra < 0:
        raise UsageError("A bill has a line above zero, and tax and tip are zero or more")
    return _apportion({person: part + extra * part / subtotal for person, part in had.items()}, salt)


def _check_people(people: Iterable[PersonId]) -> None:
    listed = list(people)
    if not listed or len(set(listed)) != len(listed):
        raise UsageError("A bill is shared by at least one person, and each is named once")


def _apportion(ideals: Mapping[PersonId, Fraction], salt: bytes) -> dict[PersonId, int]:
    floors = {person: int(ideal) for person, ideal in ideals.items()}
    left_over = int(sum(ideals.values())) - sum(floors.values())
    by_claim = sorted(
        ideals,
        key=lambda person: (floors[person] - ideals[person], tagged_hash("ledger split", salt, person)),
    )
    for person in by_claim[:left_over]:
        floors[person] += 1
    return floors
