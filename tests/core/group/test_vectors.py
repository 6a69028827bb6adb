"""Operations and whole stories have the bytes, and the end, of the vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from p2pchat.core.group.encoding import decode_operation, encode_operation
from p2pchat.core.group.graph import read_act
from p2pchat.core.group.group import Group
from p2pchat.core.log.entry import Entry

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "groups.json").read_text())


@pytest.mark.parametrize("name", VECTORS["operations"])
def test_an_operation_has_the_bytes_of_the_vector(name):
    body = bytes.fromhex(VECTORS["operations"][name])
    operation = decode_operation(body)
    assert type(operation).__name__ == name
    assert encode_operation(operation) == body


@pytest.mark.parametrize("story", VECTORS["stories"], ids=lambda story: story["name"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_story_ends_as_the_vector_says(story, backwards):
    entries = [Entry.decode(bytes.fromhex(raw)) for raw in story["entries"]]
    genesis, *rest = [read_act(entry, frozenset(entry.header.parents)) for entry in entries]
    group = Group(genesis)
    waiting = rest[::-1] if backwards else list(rest)
    while waiting:
        ready = next(act for act in waiting if all(id in group.graph for id in act.after))
        waiting.remove(ready)
        group.add(ready)
    view = group.view()
    assert {person.hex(): int(member.role) for person, member in view.members.items()} == story["members"]
    assert view.name == story["title"]
    assert view.id.hex() == story["view"]
    assert [group.stands(act) for act in (genesis, *rest)] == story["stands"]
