"""Invite links of groups between real nodes, when whoever made the link is away."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def state(person: Any, group: str) -> str:
    found = person("--json", "group", "show", group)
    return str(found.result["state"]) if found.code == 0 else ""


def test_a_stranger_comes_in_through_a_member_while_the_founder_is_off(
    new_person: Any, befriend: Any
) -> None:
    """Scenario 22: the link was made by Ann; only Ben, who never saw Dan, is there to honour it."""
    ann, ben, dan, eve = (new_person(name) for name in ("ann", "ben", "dan", "eve"))
    befriend(ann, ben)
    ann.json("group", "create", "trip", "--history", "all")
    ann.json("group", "invite", "trip", "ben")
    ben.until("the invitation", lambda: state(ben, "trip") == "invited")
    ben.json("group", "accept", "trip")
    ann.until("ben is in", lambda: len(ann.json("group", "show", "trip")["members"]) == 2)
    link = ann.json("group", "invite", "trip", "--max-uses", "1", "--expires", "1h", "--no-qr")["link"]
    assert link in ann("group", "invite", "trip", "--max-uses", "3").out or link.startswith("p2pchat-group:")
    shown = ann.json("group", "links", "trip")["links"]
    assert [(one["uses"], one["max_uses"]) for one in shown] == [(0, 1), (0, 3)]
    ann.json("group", "revoke", "trip", shown[1]["id"][:8])
    sent = ann.json("send", "#trip", "who comes may read this")["id"]
    ann.has_delivered(sent)
    ann.stop()

    assert dan.json("group", "join", link)["state"] == "joining"  # his node does not run yet
    dan("send", "#trip", "too early").refused(8)
    dan.start()
    dan.until("dan is in", lambda: state(dan, "trip") == "joined")
    dan.reads("#trip", "who comes may read this")
    dan.json("send", "#trip", "thank you")
    ben.reads("#trip", "thank you")

    eve.json("group", "join", link)
    eve.start()
    eve.until("the answer", lambda: "used up" in eve.json("group", "show", "trip")["answer"])
    assert "used up" in eve("group", "show", "trip").out
    eve("group", "join", link[:-3]).refused(1)

    ann.start()
    ann.reads("#trip", "thank you")
    assert {one["name"] for one in ann.json("group", "show", "trip")["members"]} == {"ann", "ben", "dan"}
    ann.json("group", "remove", "trip", "dan")
    dan.until("dan is told", lambda: state(dan, "trip") == "removed")
    assert "removed by ann" in dan("group", "show", "trip").out
