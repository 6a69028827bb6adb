"""Simplifying debts in a group: opt-in, shown before it is done, and nobody's debt grows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.ids import GroupId, PersonId
from p2pchat.core.ledger import group_debts
from p2pchat.core.ledger.simplify import Cycle
from p2pchat.core.ledger.units import iso_unit
from p2pchat.errors import NotAllowedError, ProtocolError
from p2pchat.node.features.ledger import simplifying
from p2pchat.store import people as people_rows

_numbers = count(10_000_000)
EUR = iso_unit("EUR")


@pytest.fixture
def four(workshop: Any, tmp_path: Path) -> Iterator[list[Any]]:
    """Ann, Ben, Cleo and Dora, contacts of each other, in #trip; Ann owes Ben, Ben Cleo, and Cleo Ann."""
    people = [*workshop.members(next(_numbers)), workshop.person(tmp_path / "dora", name="dora")]
    ann, ben, cleo, dora = people
    for host, guest in ((ben, cleo), (ann, dora), (ben, dora), (cleo, dora)):
        link = host.change("invite.create", s.Nothing()).link
        guest.change("contact.add", s.AddContact(link=link))
        workshop.rest(*people)
        host.change("request.accept", s.Accept(who=guest.app.name))
        workshop.rest(*people)
    ann.change("group.invite", s.GroupWho(group="trip", who="dora"))
    workshop.rest(*people, group=workshop.group)
    dora.change("group.accept", s.GroupName(group="trip"))
    workshop.rest(*people, group=workshop.group)
    for debtor, creditor, amount in ((ann, ben, "10"), (ben, cleo, "8"), (cleo, ann, "9"), (dora, ann, "5")):
        owed = debtor.change("iou.pay", s.Pay(who=creditor.app.name, amount=f"{amount} EUR"))
        workshop.rest(*people)
        creditor.change("iou.accept", s.IouId(id=owed.id))
        workshop.rest(*people)
    yield people
    for person in people:
        person.close()


def join(*people: Any) -> None:
    for person in people:
        person.change("circle.join", s.SimplifyPart(group="trip", on=True))


@pytest.mark.parametrize("beginner", [0, 3], ids=["one of the circle", "somebody else"])
def test_before_and_after_are_shown_and_then_the_circle_is_cleared(
    four: list[Any], workshop: Any, beginner: int
) -> None:
    ann, ben, cleo, _dora = four
    join(*four)
    first = four[beginner]
    wish = s.Simplify(group="trip", unit="EUR")
    assert first.change("circle.simplify", wish).circles == []
    workshop.rest(*four)
    plan = first.query("circle.plan", wish)
    assert plan.silent == []
    (circle,) = plan.circles
    assert circle.amount == "8.00 EUR"
    named = {person: "me" if person is first else person.app.name for person in four}
    changes = {one.who: one for one in plan.changes}
    assert set(changes) == {named[person] for person in (ann, ben, cleo)}
    shown = changes[named[ann]]
    assert (shown.owes_before, shown.owes_after) == ("10.00 EUR", "2.00 EUR")
    assert (shown.due_before, shown.due_after) == ("14.00 EUR", "6.00 EUR")
    assert (ben.cents(ann), cleo.cents(ben), ann.cents(cleo)) == (1000, 800, 900), "only shown"

    first.change("circle.simplify-clear", wish)
    workshop.rest(*four)
    assert (ben.cents(ann), cleo.cents(ben), ann.cents(cleo)) == (200, 0, 100)
    assert all(one.cents(other) == -other.cents(one) for one, other in combinations(four, 2))


def test_who_does_not_take_part_tells_nothing_and_is_on_no_circle(four: list[Any], workshop: Any) -> None:
    ann, ben, cleo, _ = four
    join(ann, cleo)
    wish = s.Simplify(group="trip", unit="EUR")
    ann.change("circle.simplify", wish)
    workshop.rest(*four)
    plan = ann.query("circle.plan", wish)
    assert (plan.circles, sorted(plan.silent)) == ([], ["ben", "dora"])
    with pytest.raises(NotAllowedError, match="circle join"):
        ben.change("circle.simplify", wish)


def test_what_only_one_of_two_says_is_not_believed() -> None:
    one, other, third = (PersonId(bytes([number]) * 32) for number in (1, 2, 3))
    reports = {one: {other: -500, third: 900}, other: {one: 300}, third: {}}
    assert group_debts.debts(reports) == {(one, other): 300}


def test_strangers_to_the_group_are_told_nothing_and_begin_nothing(four: list[Any], workshop: Any) -> None:
    ann, ben, cleo, _ = four
    join(ann)
    sender = ann.database.read(lambda tx: people_rows.device(tx, ben.device))
    elsewhere = GroupId(b"g" * 32)
    ids = tuple(person.app.person for person in (ben, cleo, ann))
    stray = group_debts.encode_circle(elsewhere, EUR, Cycle(ids, 1))
    without_me = group_debts.encode_circle(
        workshop.group, EUR, Cycle(tuple(person.app.person for person in four[1:]), 1)
    )
    for payload in (stray, without_me):
        with pytest.raises(ProtocolError):
            ann.database.transact(lambda tx, it=payload: simplifying.take_circle(ann.app, tx, sender, it))
    question = group_debts.encode_ask(elsewhere, EUR)
    ann.database.transact(lambda tx: simplifying.take_ask(ann.app, tx, sender, question))
    assert ann.query("node.status", s.Nothing()).outbox == 0
