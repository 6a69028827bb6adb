"""Becoming contacts, and not becoming contacts, between real nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

Befriend = Callable[[Any, Any], None]


@pytest.fixture(scope="module")
def ann(new_person: Any) -> Any:
    """Somebody whose node runs, for all tests here to ask."""
    person = new_person("ann")
    person.start()
    return person


def running(new_person: Callable[..., Any], *names: str) -> list[Any]:
    people = [new_person(name) for name in names]
    for person in people:
        person.launch()
    for person in people:
        person.start()
    return people


def test_a_request_is_seen_accepted_and_both_have_the_same_safety_number(
    ann: Any, new_person: Any, link_of: Any
) -> None:
    (ben,) = running(new_person, "ben")
    asked = ben.json("contact", "add", link_of(ann), "--name", "annie", "--message", "It is me, Ben")
    assert asked["state"] == "requested"
    request = ann.knows("ben", "pending")
    assert request["message"] == "It is me, Ben"
    assert [one["name"] for one in ann.json("requests", "list")["contacts"]] == ["ben"]
    ann.json("requests", "accept", "ben", "--name", "benjamin")
    accepted = ben.knows("annie", "accepted")
    assert accepted["safety_number"] == ann.contact("benjamin")["safety_number"]
    assert accepted["claimed_name"] == "ann"
    assert ann.json("requests", "list")["contacts"] == []
    ann.json("send", "benjamin", "hello")
    ben.json("send", "annie", "good day")
    ben.reads("annie", "hello")
    ann.reads("benjamin", "good day")


def test_people_who_ask_each_other_at_once_become_contacts_without_a_decision(
    new_person: Any, link_of: Any
) -> None:
    cleo, dan = running(new_person, "cleo", "dan")
    links = link_of(cleo), link_of(dan)
    # Both ask while neither node runs: each request is under way before the other is seen.
    for person in (cleo, dan):
        person.stop()
    cleo.json("contact", "add", links[1])
    dan.json("contact", "add", links[0])
    for person in (cleo, dan):
        person.launch()
    numbers = {
        cleo.knows("dan", "accepted")["safety_number"],
        dan.knows("cleo", "accepted")["safety_number"],
    }
    assert len(numbers) == 1
    cleo.json("send", "dan", "that was quick")
    dan.reads("cleo", "that was quick")


def test_a_rejected_person_is_not_told_and_cannot_write(ann: Any, new_person: Any, link_of: Any) -> None:
    (eve,) = running(new_person, "eve")
    eve.json("contact", "add", link_of(ann))
    ann.knows("eve", "pending")
    eve.json("send", "ann", "are you there?")
    ann.json("requests", "reject", "eve")
    assert "contact already" in eve("contact", "add", link_of(ann)).refused(1)
    ann("requests", "accept", "eve").refused(8)
    ann("send", "eve", "hi").refused(8)
    assert eve.contact("ann")["state"] == "requested"
    assert "@eve" not in [one["chat"] for one in ann.json("chats")["chats"]]


def test_a_blocked_contact_is_neither_heard_nor_written_to(new_person: Any, befriend: Befriend) -> None:
    gil, hal = (new_person(name) for name in ("gil", "hal"))
    befriend(gil, hal)
    gil.json("contact", "block", "hal")
    unheard = hal.json("send", "gil", "spam")["id"]
    hal.has_delivered(unheard, "failed")
    gil("send", "hal", "no").refused(8)
    assert gil.texts("hal") == []
    gil.json("contact", "unblock", "hal")
    assert gil.contact("hal")["state"] == "accepted"


def test_a_link_of_another_network_is_refused(
    ann: Any, new_person: Any, link_of: Any, tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text('name = "strangers"\n')
    joe = new_person("joe", init=False)
    joe.init(tmp_path / "other.toml")
    refusal = joe("contact", "add", link_of(ann)).refused(1)
    assert "another network" in refusal
    assert joe.json("contact", "list")["contacts"] == []
