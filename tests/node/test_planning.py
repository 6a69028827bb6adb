"""What comes again is entered when its day comes, once; what is due is told of, once; imports happen once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features import maintenance

DAY_MS = 86_400_000
_numbers = count(9_000_000)


@pytest.fixture
def pair(workshop: Any) -> Iterator[Any]:
    ann, ben = workshop.contacts(next(_numbers))
    yield ann, ben
    ann.close()
    ben.close()


def today(person: Any) -> str:
    return datetime.fromtimestamp(person._clock / 1000, UTC).date().isoformat()


def wake(person: Any, days: int = 0) -> None:
    """So many days later the node runs its upkeep."""
    person._clock += days * DAY_MS
    person.database.transact(lambda tx: maintenance.upkeep(person.app, tx))


def amounts(person: Any) -> list[str]:
    return [one.amount for one in person.query("iou.list", s.IouQuery()).ious]


def rent(person: Any, **more: Any) -> Any:
    return person.change(
        "recurring.add",
        s.AddRecurring(kind="request", who="ben", amount="400 EUR", note="rent", step="month", **more),
    )


def test_what_begins_today_is_entered_at_once_and_never_again_for_the_same_day(pair: Any) -> None:
    ann, _ = pair
    rule = rent(ann)
    assert rule.next == today(ann)
    assert amounts(ann) == ["400.00 EUR"]
    for _ in range(3):
        wake(ann)
        ann.crash()
    assert amounts(ann) == ["400.00 EUR"]


def test_after_a_long_sleep_every_day_that_was_missed_is_entered_once(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    rent(ann, until="2099-12-31")
    wake(ann, days=5 * 31)
    entered = ann.query("iou.list", s.IouQuery()).ious
    assert len(entered) == 6
    assert len({one.due for one in entered}) == 6
    wake(ann)
    assert len(amounts(ann)) == 6
    workshop.rest(ann, ben)
    assert [one.note for one in ben.decidable()] == ["rent"] * 6


def test_it_ends_at_its_last_day_or_when_it_is_stopped(pair: Any) -> None:
    ann, _ = pair
    rent(ann, until=today(ann))
    wake(ann, days=70)
    assert len(amounts(ann)) == 1
    rule = ann.change(
        "recurring.add", s.AddRecurring(kind="pay", who="ben", amount="3 beer", step="week", every=2)
    )
    wake(ann, days=14)
    assert amounts(ann).count("3 beer") == 2
    ann.change("recurring.stop", s.RecurringId(id=rule.id[:4]))
    wake(ann, days=140)
    assert amounts(ann).count("3 beer") == 2
    with pytest.raises(NotFoundError):
        ann.change("recurring.stop", s.RecurringId(id=rule.id))


def test_one_that_cannot_be_entered_now_waits_and_holds_up_no_other(pair: Any) -> None:
    ann, _ben = pair
    rent(ann)
    ann.change("recurring.add", s.AddRecurring(kind="pay", who="ben", amount="1 EUR", step="day"))
    before = len(amounts(ann))
    ann.change("contact.block", s.Who(who="ben"))
    wake(ann, days=31)
    assert len(amounts(ann)) == before
    ann.change("contact.unblock", s.Who(who="ben"))
    wake(ann)
    assert len(amounts(ann)) == before + 1 + 31


@pytest.mark.parametrize(
    "wrong",
    [{"first": "2026-02-30"}, {"until": "soon"}, {"every": 0}, {"every": 1001}, {"zone": "Mars/Olympus"}],
)
def test_what_never_comes_is_refused(pair: Any, wrong: Any) -> None:
    ann, _ = pair
    with pytest.raises(UsageError):
        rent(ann, **wrong)
    assert ann.query("recurring.list", s.Nothing()).recurring == []


def test_a_due_date_is_told_of_once_when_it_comes(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    day = datetime.fromtimestamp((ann._clock + 3 * DAY_MS) / 1000, UTC).date().isoformat()
    ann.change("iou.request", s.RequestPay(who="ben", amount="5 EUR", note="book", due=day))
    workshop.rest(ann, ben)
    for person, direction in ((ann, "owes-me"), (ben, "i-owe")):
        (due,) = person.query("iou.due", s.Nothing()).dues
        assert (due.due, due.direction, due.amount, due.agreed) == (day, direction, "5.00 EUR", False)
        assert due.days_late == -3
        for days in (1, 1, 1, 1, 1):
            wake(person, days)
        told = [one for one in person.query("events.list", s.Since(since=0)).events if one.type == "iou.due"]
        assert [one.data["due"] for one in told] == [day]
        assert person.query("iou.due", s.Nothing()).dues[0].days_late == 2


def test_a_reminder_is_a_message(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.request", s.RequestPay(who="ben", amount="5 EUR", note="book #fun"))
    ann.change("iou.remind", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == ["Reminder: please think of 5.00 EUR (book #fun)"]


def test_a_foreign_amount_carries_its_rate_and_a_file_its_hash(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    digest = hashlib.sha256(b"the bill").hexdigest()
    ann.change(
        "iou.pay",
        s.Pay(
            who="ben",
            amount="13.60 USD",
            note="pizza #food",
            into="EUR",
            rate="0.92",
            files={"bill.pdf": digest},
        ),
    )
    workshop.rest(ann, ben)
    (offer,) = ben.decidable()
    assert (offer.amount, offer.foreign) == ("12.51 EUR", "13.60 USD at 0.92")
    assert (offer.note, offer.category, offer.files) == ("pizza #food", "food", {"bill.pdf": digest})
    for wrong in ({"into": "EUR"}, {"rate": "0.92"}, {"into": "EUR", "rate": "0"}, {"files": {"x": "y"}}):
        with pytest.raises(UsageError):
            ann.change("iou.pay", s.Pay(who="ben", amount="13.60 USD", **wrong))


def test_a_dispute_is_seen_by_both_and_changes_no_balance(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    owed = ann.change("iou.pay", s.Pay(who="ben", amount="5 EUR"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=owed.id))
    workshop.rest(ann, ben)
    ann.change("iou.dispute", s.Dispute(id=owed.id, note="it was 4"))
    workshop.rest(ann, ben)
    for person in pair:
        (line,) = person.query("iou.list", s.IouQuery()).ious
        assert line.disputed
        assert abs(line.minor) == 500
    assert ben.cents(ann) == 500


def test_a_file_is_imported_whole_and_once(pair: Any) -> None:
    ann, _ = pair
    sums = [
        s.ImportedSum(who="ben", amount="3.40 EUR", i_owe=True, note="Splitwise"),
        s.ImportedSum(who="ben", amount="7 USD", i_owe=False, note="Splitwise"),
    ]
    bad = [*sums, s.ImportedSum(who="nobody", amount="1 EUR", i_owe=True)]
    with pytest.raises(NotFoundError):
        ann.change("ledger.import", s.Import(digest=b"d" * 32, sums=bad))
    assert amounts(ann) == []
    ann.change("ledger.import", s.Import(digest=b"d" * 32, sums=sums))
    with pytest.raises(UsageError, match="imported before"):
        ann.change("ledger.import", s.Import(digest=b"d" * 32, sums=sums))
    assert sorted(amounts(ann)) == ["3.40 EUR", "7.00 USD"]
    ann.change("ledger.import", s.Import(digest=b"d" * 32, sums=sums, again=True))
    assert len(amounts(ann)) == 4
