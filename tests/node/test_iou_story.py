"""The steps of an IOU are all that was signed about it, in their order, and nothing about another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s

NUMBERS = count(3500)


@pytest.fixture
def pair(workshop: Any) -> Iterator[tuple[Any, Any]]:
    ann, ben = workshop.contacts(next(NUMBERS))
    yield ann, ben
    ann.close()
    ben.close()


def story(person: Any, id: str) -> list[tuple[str, str]]:
    found = person.query("iou.show", s.IouId(id=id[:10]))
    assert all(one.mine is (one.who == person.app.name) for one in found.steps)
    return [(one.who, one.text) for one in found.steps]


def test_both_sides_see_the_same_steps_of_an_iou(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    other = ann.change("iou.pay", s.Pay(who="ben", amount="7 EUR", note="another"))
    iou = ann.change("iou.pay", s.Pay(who="ben", amount="30 EUR", note="hut"))
    ann.change("iou.limit", s.SetLimit(who="ben", amount="50 EUR"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=iou.id))
    workshop.rest(ann, ben)
    ann.change("iou.dispute", s.Dispute(id=iou.id, note="it was 20"))
    workshop.rest(ann, ben)
    told = [
        ("ann", "owes 30.00 EUR: hut"),
        ("ben", "accepted 30.00 EUR"),
        ("ann", "disputes 30.00 EUR: it was 20"),
    ]
    for person in pair:
        assert story(person, iou.id) == told
        assert story(person, other.id) == [("ann", "owes 7.00 EUR: another")]
    devices = {one.who: one.device for one in ben.query("iou.show", s.IouId(id=iou.id)).steps}
    assert devices == {"ann": ann.device.text, "ben": ben.device.text}


def test_a_request_stands_before_the_iou_that_answers_it(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    asked = ann.change("iou.request", s.RequestPay(who="ben", amount="8 EUR", note="taxi"))
    workshop.rest(ann, ben)
    ben.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(ann, ben)
    for person in pair:
        steps = story(person, asked.id)
        assert steps[0] == ("ann", "asks for 8.00 EUR: taxi")
        assert ("ben", "owes 8.00 EUR") in [(who, text.partition(":")[0]) for who, text in steps]
