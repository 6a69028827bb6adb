"""Splitting a bill: the parts are those that were asked for, and add up to the cent, or nothing is sent."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, UsageError

_numbers = count(5_000_000)


@pytest.fixture
def ann(workshop: Any) -> Any:
    """Ann, whose contacts Ben and Cleo are with her in #trip."""
    people = workshop.members(next(_numbers))
    yield people[0]
    for person in people:
        person.close()


def split(ann: Any, amount: str, mode: Any = "equal", with_: str = "", **parts: str) -> dict[str, int]:
    """Smallest parts by name."""
    params = s.Split(group="trip", amount=amount, people=with_.split(), mode=mode, parts=parts)
    bill = ann.change("iou.split", params)
    own, _unit = bill.own_share.split()
    assert {one.reason for one in bill.ious} == {"share"}
    return {one.who: one.minor for one in bill.ious} | {"me": int(own.replace(".", ""))}


def test_everybody_bears_the_same_to_the_cent(ann: Any) -> None:
    parts = split(ann, "100 EUR")
    assert sorted(parts.values()) == [3333, 3333, 3334]
    assert set(parts) == {"ben", "cleo", "me"}


def test_only_those_who_are_named_share_it(ann: Any) -> None:
    assert split(ann, "60 EUR", with_="ben") == {"ben": 3000, "me": 3000}


def test_shares_count_one_unless_told(ann: Any) -> None:
    assert split(ann, "60 EUR", "shares", ben="2") == {"ben": 3000, "cleo": 1500, "me": 1500}
    assert split(ann, "60 EUR", "shares", ben="2", me="0") == {"ben": 4000, "cleo": 2000, "me": 0}
    assert split(ann, "60 EUR", "shares", with_="ben", ben="3") == {"ben": 4500, "me": 1500}


def test_percentages_are_of_the_whole(ann: Any) -> None:
    parts = split(ann, "0.99 EUR", "percent", ben="33.33", cleo="33,33", me="33.34%")
    assert parts == {"ben": 33, "cleo": 33, "me": 33}
    assert split(ann, "10 EUR", "percent", ben="100") == {"ben": 1000, "me": 0}


def test_exact_parts_are_asked_for_as_they_are(ann: Any) -> None:
    parts = split(ann, "60 EUR", "exact", ben="10.01", cleo="20 EUR", me="29.99")
    assert parts == {"ben": 1001, "cleo": 2000, "me": 2999}


@pytest.mark.parametrize(
    ("mode", "parts", "sentence"),
    [
        ("exact", {"ben": "10", "cleo": "20"}, "30.00 EUR is missing"),
        ("exact", {"ben": "10", "me": "50.01"}, "0.01 EUR is too much"),
        ("exact", {"ben": "1.005", "me": "58.995"}, "rounded"),
        ("exact", {"ben": "10 USD", "me": "50"}, "USD"),
        ("exact", {"ben": "-10", "me": "70"}, "above zero"),
        ("exact", {}, "60.00 EUR is missing"),
        ("percent", {"ben": "50", "me": "49.99"}, "0.01 % missing"),
        ("percent", {"ben": "50", "me": "50.01"}, "0.01 % too much"),
        ("percent", {"ben": "101"}, "more than the whole"),
        ("percent", {"ben": "33.333", "me": "66.667"}, "two decimals"),
        ("shares", {"ben": "1.5"}, "no number of shares"),
        ("shares", {"ben": "0", "cleo": "0", "me": "0"}, "at least one"),
        ("shares", {"ben": "٣"}, "no number of shares"),
    ],
)
def test_what_does_not_add_up_is_told_in_a_sentence_and_nothing_is_sent(
    ann: Any, mode: Any, parts: dict[str, str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        split(ann, "60 EUR", mode, **parts)
    assert ann.query("iou.list", s.IouQuery()).ious == []


def test_a_cent_is_not_shared_by_three(ann: Any) -> None:
    with pytest.raises(UsageError, match="too little"):
        split(ann, "0.01 EUR")


def test_a_part_is_for_somebody_who_takes_part(ann: Any) -> None:
    with pytest.raises(UsageError, match="cleo"):
        split(ann, "60 EUR", "shares", with_="ben", cleo="2")
    with pytest.raises(NotFoundError):
        split(ann, "60 EUR", with_="zoe")


def items(*lines: tuple[str, str]) -> list[s.BillItem]:
    return [s.BillItem(amount=amount, people=who.split()) for amount, who in lines]


def test_an_itemised_bill_spreads_tax_and_tip_in_proportion(ann: Any) -> None:
    bill = ann.change(
        "iou.split",
        s.Split(
            group="trip", amount="33 EUR", mode="itemised", items=items(("10", "ben"), ("20", "me cleo"))
        ),
    )
    assert {one.who: one.minor for one in bill.ious} == {"ben": 1100, "cleo": 1100}
    assert bill.own_share == "11.00 EUR"
    for amount, extra in (("29.99 EUR", None), ("33 EUR", "2.99"), ("33 EUR", "3.01")):
        params = s.Split(
            group="trip", amount=amount, mode="itemised", items=items(("30", "ben me")), extra=extra
        )
        with pytest.raises(UsageError, match="do not add up"):
            ann.change("iou.split", params)


def test_a_foreign_bill_adds_up_in_the_unit_that_counts(ann: Any) -> None:
    bill = ann.change("iou.split", s.Split(group="trip", amount="100 USD", into="EUR", rate="0.9137"))
    own = int(bill.own_share.split()[0].replace(".", ""))
    assert sum(one.minor for one in bill.ious) + own == 9137
    assert {one.note for one in bill.ious} == {"trip (100 USD at 0.9137)"}


def test_an_edited_bill_is_asked_for_anew_only_where_a_share_changed(workshop: Any) -> None:
    people = ann, ben, cleo = workshop.members(next(_numbers))
    for person in (ben, cleo):
        ann.change("iou.limit", s.SetLimit(who=person.app.name, amount="500 EUR"))
    bill = ann.change("iou.split", s.Split(group="trip", amount="90 EUR", note="dinner"))
    workshop.rest(*people)
    for person in (ben, cleo):
        (asked,) = person.decidable()
        person.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(*people)
    assert (ann.cents(ben), ann.cents(cleo)) == (3000, 3000)

    def edit(id: str, **parts: str) -> Any:
        params = s.EditBill(id=id[:8], amount="90 EUR", mode="exact", parts=parts)
        made = ann.change("bill.edit", params)
        workshop.rest(*people)
        return made

    second = edit(bill.id, ben="30", cleo="20", me="40")
    assert (ann.cents(ben), ann.cents(cleo)) == (3000, 0), "Cleo owes nothing until she signs"
    (asked,) = cleo.decidable()
    assert (asked.amount, asked.note) == ("20.00 EUR", "dinner")
    cleo.change("iou.accept", s.IouId(id=asked.id))
    workshop.rest(*people)
    assert (ann.cents(ben), ann.cents(cleo)) == (3000, 2000)
    third = edit(second.id, ben="10", cleo="20", me="60")
    assert (ann.cents(ben), ann.cents(cleo)) == (0, 2000), "what Ben signed for the first version is given up"
    assert [one.shares["ben"] for one in ann.query("bill.list", s.Nothing()).bills] == ["10.00 EUR"]
    ann.change("bill.delete", s.BillId(id=third.id))
    workshop.rest(*people)
    assert (ann.cents(ben), ann.cents(cleo)) == (0, 0)
    assert ben.decidable() == []
    assert ann.query("bill.list", s.Nothing()).bills == []
    for person in people:
        person.close()


def test_a_late_answer_to_a_withdrawn_share_is_not_accepted_unasked(workshop: Any) -> None:
    people = ann, ben, _ = workshop.members(next(_numbers))
    ann.change("iou.limit", s.SetLimit(who="ben", amount="500 EUR"))
    bill = ann.change("iou.split", s.Split(group="trip", amount="90 EUR"))
    workshop.rest(*people)
    (asked,) = ben.decidable()
    ann.change("bill.delete", s.BillId(id=bill.id))
    ben.change("iou.accept", s.IouId(id=asked.id))  # he does not know yet
    workshop.rest(*people)
    assert ann.cents(ben) == 0
    assert [one.amount for one in ann.decidable()] == ["30.00 EUR"]
    for person in people:
        person.close()
