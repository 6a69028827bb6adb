"""One lunch that both wrote down: it is pointed out, and counts once if somebody says so."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import UsageError

_numbers = count(7_000_000)


@pytest.fixture
def pair(workshop: Any) -> Any:
    ann, ben = workshop.contacts(next(_numbers))
    yield ann, ben
    ann.close()
    ben.close()


def cross(pair: Any, workshop: Any, owed: str, asked: str) -> tuple[Any, Any]:
    """Ann signs that she owes, while Ben asks for it."""
    ann, ben = pair
    offer = ann.change("iou.pay", s.Pay(who="ben", amount=owed, note="lunch"))
    request = ben.change("iou.request", s.RequestPay(who="ann", amount=asked, note="lunch"))
    workshop.rest(ann, ben)
    return offer, request


def marks(person: Any) -> dict[str, str | None]:
    return {one.id: one.same_as for one in person.query("iou.list", s.IouQuery()).ious}


def same(person: Any, one: Any, other: Any) -> Any:
    return person.change("iou.same", s.SameIou(id=one.id[:8], other=other.id))


def test_both_sides_see_the_pair(pair: Any, workshop: Any) -> None:
    offer, request = cross(pair, workshop, "30 EUR", "30 EUR")
    for person in pair:
        assert marks(person) == {offer.id: request.id, request.id: offer.id}


@pytest.mark.parametrize("asked", ["31 EUR", "30 USD"])
def test_other_amounts_are_other_things(pair: Any, workshop: Any, asked: str) -> None:
    cross(pair, workshop, "30 EUR", asked)
    for person in pair:
        assert set(marks(person).values()) == {None}


@pytest.mark.parametrize("who", ["the one who asked", "the one who owes", "both"])
def test_the_same_thing_counts_once(pair: Any, workshop: Any, who: str) -> None:
    ann, ben = pair
    offer, request = cross(pair, workshop, "30 EUR", "30 EUR")
    if who != "the one who asked":
        same(ann, request, offer)
    if who != "the one who owes":
        same(ben, offer, request)
    workshop.rest(ann, ben)
    for iou in ben.decidable():
        ben.change("iou.accept", s.IouId(id=iou.id))
    workshop.rest(ann, ben)
    assert ben.cents(ann) == -ann.cents(ben) == 3000
    assert ann.decidable() == ben.decidable() == []
    assert set(marks(ann).values()) == {None}


def test_what_may_be_one_thing_is_not_accepted_unasked(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    ben.change("iou.limit", s.SetLimit(who="ann", amount="100 EUR"))
    offer, _ = cross(pair, workshop, "30 EUR", "30 EUR")
    assert ben.cents(ann) == 0
    assert [one.id for one in ben.decidable()] == [offer.id]


def test_only_an_iou_and_a_request_that_cross_can_be_one(pair: Any, workshop: Any) -> None:
    ann, ben = pair
    offer, request = cross(pair, workshop, "30 EUR", "30 EUR")
    back = ben.change("iou.pay", s.Pay(who="ann", amount="30 EUR"))
    workshop.rest(ann, ben)
    for one, other in ((offer, offer), (request, request), (offer, back), (request, back)):
        for person in pair:
            with pytest.raises(UsageError):
                same(person, one, other)
    same(ben, offer, request)
    with pytest.raises(UsageError):
        same(ben, offer, request)
