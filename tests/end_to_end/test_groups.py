"""A group of three real nodes, of whom two know each other from the group alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def trio_of(new_person: Any, befriend: Callable[[Any, Any], None]) -> tuple[Any, Any, Any]:
    """Ann, and Ben and Cleo who are contacts of hers but not of each other."""
    ann, ben, cleo = people = tuple(new_person(name) for name in ("ann", "ben", "cleo"))
    for person in people:
        person.launch()
    befriend(ann, ben)
    befriend(ann, cleo)
    return ann, ben, cleo


@pytest.fixture
def people(trio_of: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """The three, with their nodes running."""
    for person in trio_of:
        person.launch()
    for person in trio_of:
        person.start()
    return trio_of


def members(person: Any, group: str) -> set[str]:
    found = person("--json", "group", "show", group)
    return {one["person"] for one in found.result["members"]} if found.code == 0 else set()


def found(group: str, founder: Any, *guests: Any, history: str = "from-join") -> None:
    """`founder` founds a group, and all `guests` join it."""
    founder.json("group", "create", group, "--history", history)
    for guest in guests:
        join(group, founder, guest)
    for person in (founder, *guests):
        person.until("all members", lambda one=person: len(members(one, group)) == 1 + len(guests))


def join(group: str, host: Any, guest: Any) -> None:
    host.json("group", "invite", group, guest.name)
    guest.until("the invitation", lambda: guest("group", "show", group).code == 0)
    guest.json("group", "accept", group)


def test_members_see_each_other_and_read_what_each_of_them_writes(people: Any) -> None:
    ann, _, cleo = people
    found("trip", *people)
    assert len({frozenset(members(person, "trip")) for person in people}) == 1
    sent = [person.json("send", "#trip", f"hello from {person.name}")["id"] for person in people]
    texts = [f"hello from {person.name}" for person in people]
    for person in people:
        person.reads("#trip", *texts)
    assert len({tuple(person.texts("#trip")) for person in people}) == 1
    for person, message in zip(people, sent, strict=True):
        person.has_delivered(message)
    assert [one["text"] for one in cleo.json("group", "read", "trip")["messages"]][-3:] == cleo.texts("#trip")
    assert cleo.json("read", "#trip")["messages"] == []
    ann("group", "create", "").refused(1)
    ann("group", "invite", "trip", "nobody").refused(6)


def test_a_member_who_was_away_catches_up_from_another_than_the_author(people: Any) -> None:
    ann, ben, cleo = people
    found("away", *people)
    cleo.stop()
    lines = [f"while you were out {number}" for number in range(5)]
    ann("chat", "#away", stdin="\n".join(lines))
    ben.reads("#away", *lines)
    ann.kill()
    cleo.start()
    cleo.reads("#away", *lines)
    assert cleo.texts("#away") == lines


def test_a_member_killed_in_a_burst_has_all_of_it_in_the_same_order(people: Any) -> None:
    ann, ben, cleo = people
    found("burst", *people)
    lines = {person.name: [f"{person.name} {number}" for number in range(50)] for person in (ann, ben)}
    with ann.spawn("chat", "#burst") as one, ben.spawn("chat", "#burst") as other:
        for writer, own in zip((one, other), lines.values(), strict=True):
            writer.stdin.write("\n".join(own))
            writer.stdin.close()
        for writer in (one, other):
            for _ in range(20):
                assert writer.stdout.readline()
        cleo.kill()
        for writer in (one, other):
            writer.stdout.read()
    cleo.start()
    everything = sorted(lines["ann"] + lines["ben"])
    for person in people:
        person.until("all 100", lambda one=person: sorted(one.texts("#burst")) == everything)
    assert len({tuple(person.texts("#burst")) for person in people}) == 1
    for name, own in lines.items():
        assert [text for text in cleo.texts("#burst") if text.startswith(name)] == own


def test_who_has_left_can_neither_read_nor_write(people: Any) -> None:
    ann, ben, cleo = people
    found("left", *people)
    ann.json("send", "#left", "before")
    cleo.reads("#left", "before")
    cleo.json("group", "leave", "left")
    for person in (ann, ben):
        person.until("two members", lambda one=person: len(members(one, "left")) == 2)
    secret = ann.json("send", "#left", "after tangerine")
    ben.reads("#left", "after tangerine")
    ann.has_delivered(secret["id"])
    cleo("send", "#left", "still here").refused(8)
    assert cleo.texts("#left") == ["before"]
    cleo.stop()
    assert "tangerine" not in str(cleo.content())


@pytest.mark.parametrize("history", ["all", "from-join"])
def test_a_newcomer_reads_what_the_history_policy_allows(people: Any, history: str) -> None:
    ann, ben, cleo = people
    group = f"history-{history}"
    found(group, ann, ben, history=history)
    ann.json("send", f"#{group}", "old news")
    ben.reads(f"#{group}", "old news")
    join(group, ann, cleo)
    ann.until("all members", lambda: len(members(ann, group)) == 3)
    ann.json("send", f"#{group}", "fresh news")
    cleo.reads(f"#{group}", "fresh news")
    if history == "all":
        cleo.reads(f"#{group}", "old news")
    assert cleo.texts(f"#{group}") == (["old news", "fresh news"] if history == "all" else ["fresh news"])


def test_an_invitation_can_be_declined(people: Any) -> None:
    ann, _, cleo = people
    ann.json("group", "create", "dull")
    ann.json("group", "invite", "dull", "cleo")
    cleo.until("the invitation", lambda: cleo("group", "show", "dull").code == 0)
    cleo("send", "#dull", "hi").refused(8)
    cleo.json("group", "decline", "dull")
    assert "dull" not in [
        one["name"] for one in cleo.json("group", "list")["groups"] if one["state"] == "joined"
    ]
    assert len(members(ann, "dull")) == 1


def test_a_bill_is_split_to_the_cent(people: Any) -> None:
    ann, ben, cleo = people
    found("dinner", *people)
    bill = ann.json("split", "dinner", "50.00", "EUR", "fondue")
    assert bill["total"] == "50.00 EUR"
    shares = {iou["who"]: iou["minor"] for iou in bill["ious"]}
    own = int(bill["own_share"].removesuffix(" EUR").replace(".", ""))
    assert sorted([own, *shares.values()]) == [1666, 1667, 1667]
    for guest in (ben, cleo):
        guest.until("the request", lambda one=guest: one.json("iou", "list")["ious"])
        (asked,) = guest.json("iou", "list")["ious"]
        guest.json("iou", "accept", asked["id"])

    # Ann asked for it: her node accepts it by itself.
    owing = {(name, "EUR"): cents for name, cents in shares.items()}
    ann.until("both shares count", lambda: ann.balances() == owing)
    for guest in (ben, cleo):
        owed = {("ann", "EUR"): -shares[guest.name]}
        guest.until("the same balance", lambda one=guest, owed=owed: one.balances() == owed)
