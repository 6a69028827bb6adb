"""IOUs and requests that come again: entered when their day has come, once each, also after a long sleep.

The rule and the day it got to change in the transaction that signs the entry, so a crash enters
nothing twice and leaves nothing out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from p2pchat.core.ledger import schedule
from p2pchat.core.ledger.schedule import Due, Recurrence
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import direct
from p2pchat.node.features.ledger import accounts, iou_terms, ledger
from p2pchat.node.features.ledger.iou_terms import Terms
from p2pchat.node.features.ledger.ledger_words import in_unit
from p2pchat.store import events, people
from p2pchat.store import ledger as rows
from p2pchat.store import recurring as store
from p2pchat.store.recurring import Recurring
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

Step = Literal["day", "week", "month", "year"]
ID_SIZE: Final = 16
MAX_RULES: Final = 500
_AT_ONCE: Final = 100  # of one rule after a long sleep; the rest an upkeep later


def add(
    app: App,
    tx: Transaction,
    person: people.Person,
    kind: Literal["pay", "request"],
    amount: str,
    terms: Terms,
    step: Step,
    every: int,
    until: str | None,
) -> Recurring:
    """Enter this on `terms.due` (None: today), and every so many days, weeks, months or years after it.

    Raises:
        UsageError: something is malformed, or there are too many.
    """
    first = terms.due or _today(app, terms.zone).isoformat()
    stated = iou_terms.state(amount, replace(terms, due=first))
    accounts.salted(app, stated.note)
    if until is not None:
        until = iou_terms.state(amount, replace(terms, due=until)).purpose.due
    if len(store.every(tx)) >= MAX_RULES:
        raise UsageError(f"there are {MAX_RULES} recurring IOUs already")
    day = stated.purpose.due
    assert day is not None
    rule = Recurring(
        app.entropy(ID_SIZE),
        person.id,
        kind,
        str(stated.amount),
        stated.note,
        day,
        step,
        every,
        until,
        terms.zone,
        None,
    )
    _recurrence(rule)
    store.put(tx, rule)
    return rule


def next_day(rule: Recurring) -> date | None:
    """The next day on which it is entered; None if there is none."""
    after = date.fromisoformat(rule.done) if rule.done else date.min
    return next(schedule.occurrences(_recurrence(rule), after, date.max), None)


def find(tx: Reader, prefix: str) -> Recurring:
    """The rule whose id begins with `prefix`. Raises NotFoundError if there is not exactly one."""
    wanted = prefix.strip().lower()
    found = [rule for rule in store.every(tx) if wanted and rule.id.hex().startswith(wanted)]
    if len(found) != 1:
        raise NotFoundError(
            f"'{prefix}' is the beginning of {'several' if found else 'no'} recurring IOU's id"
        )
    return found[0]


def enter_due(app: App, tx: Transaction) -> None:
    """Enter whatever has come due since, each on its own: one that cannot be entered waits alone."""
    for rule in store.every(tx):
        today = _today(app, rule.zone)
        after = date.fromisoformat(rule.done) if rule.done else date.min
        days = schedule.occurrences(_recurrence(rule), after, today)
        try:
            with tx.savepoint():
                for day, _ in zip(days, range(_AT_ONCE), strict=False):
                    _enter(app, tx, rule, day)
        except UsageError as error:
            logger.info("A recurring IOU waits: %s.", error)


def remind(app: App, tx: Transaction) -> None:
    """Tell of each amount whose day has come and that is open, once."""
    for one in dues(app, tx):
        if one.days_late >= 0 and store.remind(tx, one.due.entry):
            data = {
                "id": one.due.entry.text,
                "who": one.person.petname,
                "amount": in_unit(one.due.minor, one.unit),
                "due": one.due.due.isoformat(),
            }
            events.record(tx, "iou.due", data, app.now_ms())


@dataclass(frozen=True, slots=True)
class OpenDue:
    """An amount with a due date that is not settled; `days_late` is below zero while it is to come."""

    person: people.Person
    unit: Unit
    due: Due
    days_late: int
    note: str


def dues(app: App, tx: Reader) -> list[OpenDue]:
    """All that has a due date and is open, the earliest first."""
    found = []
    for stored in rows.accounts(tx):
        person = people.person(tx, stored.person)
        assert person is not None
        notes = rows.notes(tx, stored.id)
        with accounts.known(app, tx, stored) as state:
            for due in schedule.open_dues(state, app.person):
                item = state.concessions.get(due.entry) or state.requests[due.entry]
                late = due.days_late(_today(app, item.purpose.zone or "UTC"))
                note, _salt = notes.get(due.entry, ("", b""))
                found.append(OpenDue(person, state.account.unit, due, late, note))
    return sorted(found, key=lambda one: (one.due.due, one.due.entry))


def _enter(app: App, tx: Transaction, rule: Recurring, day: date) -> None:
    person = people.person(tx, rule.person)
    assert person is not None
    terms = Terms(note=rule.note, due=day.isoformat(), zone=rule.zone)
    enter = ledger.pay if rule.kind == "pay" else ledger.request
    written = enter(app, tx, person, rule.amount, terms)
    direct.say(app, tx, person, written.said, shown=written.shown)
    store.put(tx, replace(rule, done=day.isoformat()))


def _recurrence(rule: Recurring) -> Recurrence:
    last = date.fromisoformat(rule.until) if rule.until else None
    step: Step = rule.step  # type: ignore[assignment]  # checked when it was made
    return Recurrence(date.fromisoformat(rule.first), step, rule.every, last)


def _today(app: App, zone: str) -> date:
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.fromtimestamp(app.now_ms() / 1000, UTC).date()
    return datetime.fromtimestamp(app.now_ms() / 1000, where).date()
