"""Limits: the node accepts offers within them unasked, refuses what is above, and never signs a request."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import UsageError

_numbers = count(4_000_000)


@pytest.fixture
def pair(workshop: Any) -> Any:
    ann, ben = workshop.contacts(next(_numbers))
    yield ann, ben
    ann.close()
    ben.close()


def limit(person: Any, who: str, amount: str, auto: str | None = None) -> Any:
    return person.change("iou.limit", s.SetLimit(who=who, amount=amount, auto=auto))


def pay(person: Any, who: str, amount: str) -> Any:
    return person.change("iou.pay", s.Pay(who=who, amount=amount))


def test_an_offer_within_the_automatic_limit_is_accepted_unasked(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    limit(ann, "ben", "50 EUR", "10")
    workshop.rest(ann, ben)
    pay(ben, "ann", "10 EUR")
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == 1000
    assert [one.text for one in ben.messages(ann)][-1] == "accepted 10.00 EUR"


def test_an_offer_above_the_automatic_limit_waits(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    limit(ann, "ben", "50 EUR", "10 EUR")
    iou = pay(ben, "ann", "10.01 EUR")
    workshop.rest(ann, ben)
    assert [one.id for one in ann.decidable()] == [iou.id]
    ann.change("iou.accept", s.IouId(id=iou.id))
    assert ann.cents(ben) == 1001


def test_without_a_second_figure_whatever_fits_is_accepted(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    assert limit(ann, "ben", "50 EUR").auto == "50.00 EUR"
    for amount in ("30 EUR", "30 EUR", "20 EUR"):
        pay(ben, "ann", amount)
        workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == 5000
    (waiting,) = ann.decidable()
    with pytest.raises(UsageError, match="limit"):
        ann.change("iou.accept", s.IouId(id=waiting.id))


@pytest.mark.parametrize("auto", ["0", "0 EUR"])
def test_an_automatic_limit_of_nothing_always_asks(pair: Any, workshop: Any, auto: str) -> None:
    ann, ben = pair
    assert limit(ann, "ben", "50 EUR", auto).auto is None
    pay(ben, "ann", "0.01 EUR")
    workshop.rest(ann, ben)
    assert len(ann.decidable()) == 1


def test_a_limit_of_nothing_refuses_every_iou(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    assert limit(ann, "ben", "0 EUR").limit == "0.00 EUR"
    iou = pay(ben, "ann", "0.01 EUR")
    workshop.rest(ann, ben)
    with pytest.raises(UsageError, match="limit"):
        ann.change("iou.accept", s.IouId(id=iou.id))


def test_a_request_is_never_signed_unasked(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    limit(ann, "ben", "50 EUR")
    ben.change("iou.request", s.RequestPay(who="ann", amount="5 EUR"))
    workshop.rest(ann, ben)
    assert len(ann.decidable()) == 1
    assert ann.cents(ben) == 0


def test_an_offer_that_came_before_the_limit_is_left_to_the_person(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    early = pay(ben, "ann", "5 EUR")
    workshop.rest(ann, ben)
    limit(ann, "ben", "50 EUR")
    pay(ben, "ann", "6 EUR")
    workshop.rest(ann, ben)
    assert ann.cents(ben) == 600
    assert [one.id for one in ann.decidable()] == [early.id]


def test_the_balance_shows_the_limits_of_both(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    limit(ann, "ben", "50 EUR", "10")
    limit(ben, "ann", "70 EUR", "0")
    workshop.rest(ann, ben)
    (shown,) = ann.query("iou.balance", s.BalanceQuery(who="ben")).balances
    assert (shown.limit, shown.auto, shown.their_limit) == ("50.00 EUR", "10.00 EUR", "70.00 EUR")
    limit(ann, "ben", "20 EUR", "0")
    (shown,) = ann.query("iou.balance", s.BalanceQuery(who="ben")).balances
    assert (shown.limit, shown.auto) == ("20.00 EUR", None)


@pytest.mark.parametrize(
    ("amount", "auto"), [("10 EUR", "11"), ("10 EUR", "1 USD"), ("-1 EUR", None), ("ten", None)]
)
def test_a_limit_that_makes_no_sense_is_refused(pair: Any, amount: str, auto: str | None) -> None:
    ann, _ = pair
    with pytest.raises(UsageError):
        limit(ann, "ben", amount, auto)
    assert ann.query("iou.balance", s.BalanceQuery()).balances == []


def test_what_i_asked_for_is_accepted_unasked(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.request", s.RequestPay(who="ben", amount="8 EUR", note="taxi"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    assert ann.cents(ben) == -ben.cents(ann) == 800
    for person in pair:
        assert person.decidable() == []
        listed = person.query("iou.list", s.IouQuery()).ious
        assert [(one.state, one.note) for one in listed] == [("binding", "taxi"), ("answered", "taxi")]


@pytest.mark.parametrize("auto", ["0", "7.99"])
def test_a_limit_says_what_i_am_asked_about_even_if_i_asked_for_it(
    pair: Any, workshop: Any, auto: str
) -> None:
    ann, ben = pair
    limit(ann, "ben", "50 EUR", auto)
    asked = ann.change("iou.request", s.RequestPay(who="ben", amount="8 EUR"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    assert ann.cents(ben) == 0
    assert [one.amount for one in ann.decidable()] == ["8.00 EUR"]
