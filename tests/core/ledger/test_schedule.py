from datetime import date, timedelta
from itertools import islice

import pytest

from p2pchat.core.ledger import actions
from p2pchat.core.ledger.details import Purpose
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.schedule import Recurrence, occurrences, open_dues
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import UsageError

EUR = iso_unit("EUR")


def days(first, step, count, every=1, **kw):
    rule = Recurrence(date.fromisoformat(first), step, every, **kw)
    return [day.isoformat() for day in islice(occurrences(rule, date.min, date.max), count)]


def test_things_recur_by_day_week_month_and_year():
    assert days("2027-01-30", "day", 3) == ["2027-01-30", "2027-01-31", "2027-02-01"]
    assert days("2027-01-30", "week", 2, every=2) == ["2027-01-30", "2027-02-13"]
    assert days("2027-01-31", "month", 4) == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert days("2024-02-29", "year", 2) == ["2024-02-29", "2025-02-28"]
    assert days("2027-11-15", "month", 2, every=3) == ["2027-11-15", "2028-02-15"]


def test_only_days_after_the_last_look_and_until_today_come_up():
    rule = Recurrence(date(2027, 1, 1), "month", last=date(2027, 4, 1))
    assert list(occurrences(rule, date(2027, 1, 1), date(2027, 3, 1))) == [date(2027, 2, 1), date(2027, 3, 1)]
    assert list(occurrences(rule, date(2027, 3, 1), date.max)) == [date(2027, 4, 1)]


def test_the_end_of_the_calendar_ends_a_recurrence():
    for step in ("day", "week", "month", "year"):
        rule = Recurrence(date(9999, 12, 30), step)
        assert len(list(occurrences(rule, date.min, date.max))) == (2 if step == "day" else 1)


@pytest.mark.parametrize("every", [0, -1, 1001])
def test_a_recurrence_without_end_or_sense_is_refused(every):
    with pytest.raises(UsageError):
        Recurrence(date(2027, 1, 1), "day", every)


def owe(pair, minor, due=None):
    purpose = Purpose(due=due, zone=due and "Europe/Berlin")
    offer = pair.alice.do(actions.pay, Amount(minor, EUR), purpose=purpose)
    pair.sync()
    pair.bob.do(actions.accept, offer.id)
    pair.sync()
    return offer


def dues(device):
    return [(due.due.isoformat(), due.minor) for due in open_dues(device.state, device.person)]


def test_a_repayment_settles_what_falls_due_first(pair, alice, bob):
    owe(pair, 100, "2027-03-01")
    owe(pair, 200, "2027-02-01")
    owe(pair, 50)
    assert dues(bob) == [("2027-02-01", 200), ("2027-03-01", 100)]
    assert dues(alice) == [("2027-02-01", -200), ("2027-03-01", -100)]
    paid = bob.do(actions.receipt, Amount(220, EUR))  # the 50 without a date, and 170 of what is due next
    pair.sync()
    alice.do(actions.accept, paid.id)
    assert dues(alice) == [("2027-02-01", -30), ("2027-03-01", -100)]


def test_what_was_paid_back_before_settles_no_debt_that_falls_due_later(pair, alice, bob):
    owe(pair, 100)
    paid = bob.do(actions.receipt, Amount(30, EUR))
    pair.sync()
    alice.do(actions.accept, paid.id)
    owe(pair, 7, "2027-03-01")
    assert dues(alice) == [("2027-03-01", -7)]


def test_an_open_request_with_a_date_is_listed_and_not_agreed(pair, alice, bob):
    purpose = Purpose(due="2027-03-01", zone="Europe/Berlin")
    alice.do(actions.request, Amount(5, EUR), purpose=purpose)
    pair.sync()
    (due,) = open_dues(bob.state, bob.person)
    assert (due.minor, due.agreed) == (-5, False)
    assert due.days_late(date(2027, 3, 1) + timedelta(days=2)) == 2
    bob.do(actions.decline, due.entry)
    assert open_dues(bob.state, bob.person) == []
