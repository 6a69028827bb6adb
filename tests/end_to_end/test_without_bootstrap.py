"""A circle of friends whose only bootstrap node is gone for good."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def members(person: Any) -> set[str]:
    found = person("--json", "group", "show", "trip")
    return {one["person"] for one in found.result["members"]} if found.code == 0 else set()


def join(host: Any, guest: Any) -> None:
    host.json("group", "invite", "trip", guest.name)
    guest.until("the invitation", lambda: guest("group", "show", "trip").code == 0)
    guest.json("group", "accept", "trip")


@pytest.fixture(scope="module")
def circle(new_person: Any, befriend: Any, mortal_bootstrap: Any) -> tuple[Any, Any, Any]:
    """Ann, contact of Ben and of Cleo, who know each other from a group; then the bootstrap node dies."""
    ann, ben, cleo = people = tuple(new_person(name, at=mortal_bootstrap) for name in ("ann", "ben", "cleo"))
    for person in people:
        person.launch()
    befriend(ann, ben)
    befriend(ann, cleo)
    ann.json("group", "create", "trip", "--history", "all")
    for guest in (ben, cleo):
        join(ann, guest)
    for person in people:
        person.until("all members", lambda one=person: len(members(one)) == 3)
    mortal_bootstrap.process.kill()
    return ann, ben, cleo


def delivery(person: Any, message: str) -> dict[str, Any]:
    """How far a message has come to its one recipient."""
    (one,) = person.json("msg", "show", message)["deliveries"]
    return dict(one)


def test_a_friend_keeps_messages_for_two_who_are_never_on_line_together(circle: Any) -> None:
    """Scenario 2 without any node of an operator: Cleo, a fellow member, holds what Ann writes to Ben."""
    ann, ben, cleo = circle
    ben.kill()
    words = [f"word {number}" for number in range(3)]
    sent = [ann.json("send", "ben", word)["id"] for word in words]
    assert [ann.json("msg", "show", one)["state"] for one in sent] == 3 * ["queued"]
    for message in sent:
        ann.until("cleo keeps it", lambda one=message: delivery(ann, one)["held_by"] == ["cleo"])
    assert [ann.json("msg", "show", one)["state"] for one in sent] == 3 * ["handed 1/1"]
    ann.stop()
    cleo.kill()  # who has said that she holds it, holds it
    cleo.start()
    ben.start()
    ben.reads("ann", *words)
    ann.start()
    for message in sent:
        ann.has_delivered(message)
    assert ben.texts("ann") == words


def only_the_node(absent: Any) -> Any:
    return absent if all(one["bootstrap"] and one["reason"] for one in absent) else []


def test_after_everybody_was_away_everybody_comes_back_and_lets_others_in(
    circle: Any, new_person: Any, befriend: Any, mortal_bootstrap: Any
) -> None:
    """Scenario 22: the addresses that all remember are enough, and whoever is a member opens the door."""
    ann, ben, cleo = circle
    for person in circle:
        person.kill()
    for person in circle:
        person.launch()
    for person in circle:
        person.start()
        (node,) = person.until(
            "all are connected", lambda one=person: only_the_node(one.json("net")["absent"])
        )
        assert "refused" in node["reason"]
    ben.json("send", "#trip", "who is there?")
    for person in (ann, cleo):
        person.reads("#trip", "who is there?")
    ann.stop()  # who founded the group is away
    dan = new_person("dan", at=mortal_bootstrap)
    link = cleo.json("group", "invite", "trip", "--no-qr")["link"]
    dan.json("group", "join", link)
    dan.start()
    dan.reads("#trip", "who is there?")
    dan.json("send", "#trip", "I am")
    ben.reads("#trip", "I am")
    ann.start()
    ann.reads("#trip", "I am")
    for person in (*circle, dan):
        assert person.texts("#trip") == ["who is there?", "I am"]
