"""Groups of real nodes whose members are away, at odds or removed: scenarios 4, 5 and 6.

A partition is made of nodes that are off: what is done in each home meanwhile nobody else can know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def trio_of(new_person: Any, befriend: Callable[[Any, Any], None]) -> tuple[Any, Any, Any]:
    """Ann, and Ben and Cleo who are contacts of hers."""
    ann, ben, cleo = people = tuple(new_person(name) for name in ("ann", "ben", "cleo"))
    befriend(ann, ben)
    befriend(ann, cleo)
    return people


def found(group: str, people: tuple[Any, ...], *, talking: bool = True) -> None:
    """All run, and are members of a new group of Ann's, by a link; each has heard each."""
    for person in people:
        person.launch()
    for person in people:
        person.start()
    ann, *guests = people
    ann.json("group", "create", group, "--history", "all")
    link = ann.json("group", "invite", group, "--no-qr")["link"]
    for guest in guests:
        guest.json("group", "join", link)
    for person in people:
        person.until("all members", lambda one=person: len(members(one, group)) == len(people))
    if not talking:
        return
    for person in people:
        person.json("send", f"#{group}", f"{person.name} is here")
    for person in people:
        person.reads(f"#{group}", *(f"{one.name} is here" for one in people))


def members(person: Any, group: str) -> dict[str, str]:
    """Roles by name."""
    shown = person.json("group", "show", group)["members"]
    return {one["name"]: one["role"] for one in shown}


def state(person: Any, group: str) -> str:
    return str(person.json("group", "show", group)["state"])


def audit(person: Any, group: str) -> Any:
    return person.json("group", "verify", group)


def test_islands_on_which_people_write_and_change_the_group_agree_when_they_meet(trio_of: Any) -> None:
    """Scenario 4."""
    ann, ben, cleo = trio_of
    found("isles", trio_of)
    ann.json("group", "role", "isles", "ben", "admin")
    ben.until("ben is admin", lambda: members(ben, "isles")["ben"] == "admin")
    for person in trio_of:
        person.stop()
    for person in trio_of:
        for number in range(5):
            sent = person.json("send", "#isles", f"{person.name} {number}")["id"]
        person.json("msg", "edit", sent, f"{person.name} 4, better")
    ann.json("group", "rename", "isles", "archipelago")
    ben.json("group", "policy", "isles", "--invite", "admin")
    poll = cleo.json("poll", "create", "#isles", "North or south?", "north", "south")["id"]
    for person in trio_of:
        person.launch()
    for person in trio_of:
        person.start()
    texts = [f"{one.name} {number}" for one in trio_of for number in range(4)]
    for person in trio_of:
        person.reads("#archipelago", *texts, *(f"{one.name} 4, better" for one in trio_of))
    ben.json("poll", "vote", poll, "2")
    for person in trio_of:
        person.until(
            "ben's vote", lambda one=person: one.json("poll", "show", poll)["options"][1]["voters"] == ["ben"]
        )
    ann.until(
        "one log", lambda: all(audit(one, "archipelago") == audit(ann, "archipelago") for one in trio_of)
    )
    assert audit(ann, "archipelago")["good"]
    assert len({tuple(one.texts("#archipelago")) for one in trio_of}) == 1
    assert {one.json("group", "show", "archipelago")["invite"] for one in trio_of} == {"admin"}


def test_who_was_removed_while_off_is_told_and_heard_no_more(trio_of: Any) -> None:
    """Scenario 5."""
    ann, ben, cleo = trio_of
    found("circle", trio_of)
    cleo.stop()
    ann.json("group", "remove", "circle", "cleo")
    ben.until("cleo is out", lambda: "cleo" not in members(ben, "circle"))
    secret = ann.json("send", "#circle", "now that cleo is gone")["id"]
    ben.reads("#circle", "now that cleo is gone")
    for number in range(5):
        cleo.json("send", "#circle", f"still here {number}")
    cleo.start()
    cleo.until("cleo is told", lambda: state(cleo, "circle") == "removed")
    assert cleo.json("group", "show", "circle")["ended"] == "removed by ann"
    assert "removed by ann" in cleo("group", "show", "circle").out
    cleo("send", "#circle", "why?").refused(8)
    ann.until("it ended", lambda: ann.json("msg", "show", secret)["state"] == "delivered")
    assert ben.texts("#circle", "still here") == ann.texts("#circle", "still here") == []
    cleo.stop()
    assert "now that cleo is gone" not in str(cleo.content())


@pytest.mark.slow
def test_after_admins_removed_each_other_all_who_are_left_agree(trio_of: Any) -> None:
    """Scenario 6. Nobody carries what one did whom he counts out: who is heard first stays."""
    ann, ben, cleo = trio_of
    found("quarrel", trio_of)
    for name in ("ben", "cleo"):
        ann.json("group", "role", "quarrel", name, "admin")
    for person in trio_of:
        person.until(
            "two admins", lambda one=person: list(members(one, "quarrel").values()).count("admin") == 2
        )
    ben.stop()
    cleo.stop()
    ben.json("group", "remove", "quarrel", "cleo")
    cleo.json("group", "remove", "quarrel", "ben")
    ben.start()
    cleo.start()
    ann.until("one is out", lambda: len(members(ann, "quarrel")) < 3)
    for person in (ben, cleo):
        if person.name in members(ann, "quarrel"):
            person.until(
                "agreement", lambda one=person: audit(one, "quarrel")["view"] == audit(ann, "quarrel")["view"]
            )
        else:
            person.until("out", lambda one=person: state(one, "quarrel") == "removed")
    assert "removed" in ann("group", "log", "quarrel").out
    assert audit(ann, "quarrel")["good"]


def test_admins_who_removed_each_other_are_both_out_once_the_others_have_heard_both(
    trio_of: Any, new_person: Callable[[str], Any]
) -> None:
    """Scenario 6, its rule: each tells somebody else, and those two meet when the duellers are gone."""
    ann, ben, cleo = trio_of
    dan = new_person("dan")
    found("duel", (ann, ben, cleo, dan), talking=False)
    for name in ("ben", "cleo"):
        ann.json("group", "role", "duel", name, "admin")
    for person in (ben, cleo, dan):
        person.until("two admins", lambda one=person: list(members(one, "duel").values()).count("admin") == 2)
    for person in (ben, cleo, dan):
        person.stop()
    ben.json("group", "remove", "duel", "cleo")
    cleo.json("group", "remove", "duel", "ben")
    ben.start()
    ann.until("ann has heard ben", lambda: "cleo" not in members(ann, "duel"))
    ann.stop()
    ben.stop()
    cleo.launch()
    dan.start()
    dan.until("dan has heard cleo", lambda: "ben" not in members(dan, "duel"))
    cleo.stop()
    ann.start()
    for person in (ann, dan):
        person.until("both are out", lambda one=person: set(members(one, "duel")) == {"ann", "dan"})
    assert audit(ann, "duel") == audit(dan, "duel")
    for person in (ben, cleo):
        person.launch()
    for person in (ben, cleo):
        person.start()
        person.until("told", lambda one=person: state(one, "duel") == "removed")
