"""What is due, and what comes again: dates for reminders and for recurring IOUs.

Nothing here signs or expires anything: a date is information, and a recurring IOU is a draft that the
person's own device makes on the day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import msgspec

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger.concession import Concession, RequestStatus
from p2pchat.core.ledger.state import AccountState
from p2pchat.errors import UsageError

MAX_EVERY: Final = 1000


class Due(msgspec.Struct, frozen=True):
    """An amount with a due date that is still open: `minor` above zero is due to me, below zero by me.

    `agreed` is False for a request that nobody has answered.
    """

    entry: LedgerEntryId
    due: date
    minor: int
    agreed: bool

    def days_late(self, today: date) -> int:
        """Days since the due date; below zero it is still to come."""
        return (today - self.due).days


class Recurrence(msgspec.Struct, frozen=True):
    """Every `every` days, weeks, months or years from `first` on; perhaps until `last`, included.

    A day that a month does not have becomes that month's last: 31 January, 28 February, 31 March.
    """

    first: date
    step: Literal["day", "week", "month", "year"]
    every: int = 1
    last: date | None = None

    def __post_init__(self) -> None:
        if not 0 < self.every <= MAX_EVERY:
            raise UsageError(f"Something recurs every 1 to {MAX_EVERY} days, weeks, months or years")


def open_dues(state: AccountState, me: PersonId) -> list[Due]:
    """What has a due date and is not settled, the earliest first.

    Repayments name no particular debt: they settle what falls due first, so that of the balance the
    parts that fall due last are open. A debt without a date falls due on the day it is signed. A date is
    civil, in the zone that the entry names.
    """
    balance = state.owed_to(me)
    dues = _open_parts(state, me, balance) + _open_requests(state, me)
    return sorted(dues, key=lambda due: (due.due, due.entry))


def occurrences(rule: Recurrence, after: date, until: date) -> Iterator[date]:
    """The days of `rule` after `after`, up to `until`, both as seen by the person's own calendar."""
    number = 0
    while True:
        try:
            day = _occurrence(rule, number)
        except (OverflowError, ValueError):
            return  # the calendar ends
        if day > until or (rule.last is not None and day > rule.last):
            return
        if day > after:
            yield day
        number += 1


def _occurrence(rule: Recurrence, number: int) -> date:
    steps = number * rule.every
    if rule.step in ("day", "week"):
        return rule.first + timedelta(days=steps * (7 if rule.step == "week" else 1))
    months = rule.first.month - 1 + steps * (12 if rule.step == "year" else 1)
    year, month = rule.first.year + months // 12, months % 12 + 1
    return date(year, month, min(rule.first.day, calendar.monthrange(year, month)[1]))


def _open_parts(state: AccountState, me: PersonId, balance: int) -> list[Due]:
    sign = 1 if balance > 0 else -1
    debtor = state.account.seat(state.account.other(me) if balance > 0 else me)
    debts = [c for c in state.concessions.values() if c.counts and c.seat == debtor]
    debts.sort(key=lambda debt: (_falls_due(debt), debt.signed.entry.created_ms, debt.id), reverse=True)
    left = abs(balance)
    dues = []
    for debt in debts:  # open is what falls due last
        part = min(left, debt.amount)
        left -= part
        if debt.purpose.due and part:
            dues.append(Due(debt.id, _falls_due(debt), sign * part, agreed=True))
    return dues


def _falls_due(debt: Concession) -> date:
    if debt.purpose.due is not None:
        return date.fromisoformat(debt.purpose.due)
    return datetime.fromtimestamp(debt.signed.entry.created_ms / 1000, UTC).date()


def _open_requests(state: AccountState, me: PersonId) -> list[Due]:
    seat = state.account.seat(me)
    return [
        Due(
            request.id,
            date.fromisoformat(request.purpose.due),
            request.amount if request.seat == seat else -request.amount,
            agreed=False,
        )
        for request in state.requests.values()
        if request.status is RequestStatus.REQUESTED and request.purpose.due is not None
    ]
