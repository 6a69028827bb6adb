"""Paying back: the balance moves when the creditor has signed, and at no other time."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import UsageError

_numbers = count(2_000_000)


@pytest.fixture
def pair(workshop: Any) -> Any:
    """Ann, who owes Ben 50 EUR, and Ben."""
    ann, ben = workshop.contacts(next(_numbers))
    owed = ann.change("iou.pay", s.Pay(who="ben", amount="50 EUR", note="tickets"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=owed.id))
    workshop.rest(ann, ben)
    yield ann, ben
    ann.close()
    ben.close()


def line(person: Any, id: str) -> s.Iou:
    (found,) = [one for one in person.query("iou.list", s.IouQuery()).ious if one.id == id]
    return found


def told(person: Any, other: Any) -> list[str]:
    return [one.text for one in person.messages(other) if one.kind == "iou"]


def test_a_receipt_that_was_asked_for_counts_once_the_creditor_has_signed(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.settle", s.Settle(who="ben", amount="20 EUR", note="cash"))
    assert (asked.kind, asked.reason, asked.direction) == ("request", "repayment", "owes-me")
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == -5000
    assert [one.id for one in ben.decidable()] == [asked.id]
    ben.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == -3000
    assert ann.decidable() == ben.decidable() == []
    assert line(ann, asked.id).state == "answered"


def test_the_chat_says_in_words_what_happened(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.settle", s.Settle(who="ben", amount="20 EUR", note="cash"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    expected = [
        "paid back 20.00 EUR and asks for a receipt: cash",
        "was paid back 20.00 EUR",
        "took the receipt for 20.00 EUR",
    ]
    assert told(ann, ben)[-3:] == told(ben, ann)[-3:] == expected


def test_a_creditor_who_was_not_paid_declines_and_the_debt_stands(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.settle", s.Settle(who="ben", amount="20 EUR"))
    workshop.rest(ann, ben)
    ben.change("iou.reject", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == -5000
    assert line(ann, asked.id).state == "declined"
    assert told(ann, ben)[-1] == "was not paid back 20.00 EUR"


def test_a_creditor_gives_a_receipt_without_being_asked(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    given = ben.change("iou.receipt", s.GiveReceipt(who="ann", amount="20 EUR", note="thanks"))
    assert ben.cents(ann) == 5000
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == -3000
    assert line(ann, given.id).state == "binding"


def test_a_receipt_answers_the_request_for_the_same_amount(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    other = ann.change("iou.settle", s.Settle(who="ben", amount="7 EUR"))
    asked = ann.change("iou.settle", s.Settle(who="ben", amount="20 EUR"))
    workshop.rest(ann, ben)
    ben.change("iou.receipt", s.GiveReceipt(who="ann", amount="20 EUR"))
    workshop.rest(ann, ben)
    assert line(ann, asked.id).state == "answered"
    assert line(ann, other.id).state == "requested"
    assert ann.cents(ben) == -3000


def test_one_payment_of_which_both_tell_at_once_is_not_counted_unasked(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.settle", s.Settle(who="ben", amount="20 EUR"))
    given = ben.change("iou.receipt", s.GiveReceipt(who="ann", amount="20 EUR"))
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -5000
    assert [one.id for one in ann.decidable()] == [given.id]
    assert [one.id for one in ben.decidable()] == [asked.id]


@pytest.mark.parametrize("amount", ["50.01 EUR", "1 JPY", "1 beer"])
def test_nobody_pays_back_more_than_is_owed(pair: Any, amount: str) -> None:
    ann, ben = pair
    before = ann.query("node.status", s.Nothing()).cursor
    for person, name in ((ann, "ben"), (ben, "ann")):
        with pytest.raises(UsageError):
            person.change("iou.settle", s.Settle(who=name, amount=amount))
        with pytest.raises(UsageError):
            person.change("iou.receipt", s.GiveReceipt(who=name, amount=amount))
    assert ann.query("node.status", s.Nothing()).cursor == before


def test_a_receipt_that_would_make_the_other_owe_waits_for_a_decision(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    for _ in range(2):  # both are covered by the debt as Ben knows it
        given = ben.change("iou.receipt", s.GiveReceipt(who="ann", amount="30 EUR"))
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -2000
    assert [(one.id, one.minor) for one in ann.decidable()] == [(given.id, 3000)]
