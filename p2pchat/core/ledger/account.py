"""An account: one pair of persons and one unit. Its id binds all three.

The two persons sit on seats 0 and 1, ordered by their keys, so both compute the same id and the same
sign of the balance: above zero, seat 1 owes seat 0.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from p2pchat.core import codec
from p2pchat.core.ids import AccountId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ledger.units import Unit, unit_value
from p2pchat.errors import UsageError

Seat: TypeAlias = Literal[0, 1]


class Account(msgspec.Struct, frozen=True):
    """Two persons and what they count; make it with `open_account`."""

    id: AccountId
    low: PersonId
    high: PersonId
    unit: Unit

    def seat(self, person: PersonId) -> Seat:
        """The seat of `person`.

        Raises:
            UsageError: the account belongs to two others.
        """
        if person == self.low:
            return 0
        if person == self.high:
            return 1
        raise UsageError("This account belongs to two other persons")

    def person(self, seat: Seat) -> PersonId:
        """Who sits on `seat`."""
        return self.high if seat else self.low

    def other(self, person: PersonId) -> PersonId:
        """Who sits across from `person`.

        Raises:
            UsageError: the account belongs to two others.
        """
        return self.low if self.seat(person) else self.high


def open_account(one: PersonId, other: PersonId, unit: Unit) -> Account:
    """The account of `one` and `other` in `unit`, the same in whichever order they are named.

    Raises:
        UsageError: both are the same person.
    """
    if one == other:
        raise UsageError("An account needs two different persons")
    low, high = sorted((one, other))
    raw = codec.encode([bytes(low), bytes(high), unit_value(unit)])
    return Account(AccountId(tagged_hash("ledger account", raw)), PersonId(low), PersonId(high), unit)


def other_seat(seat: Seat) -> Seat:
    """The seat across the table."""
    return 0 if seat else 1
