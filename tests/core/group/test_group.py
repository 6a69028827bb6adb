"""A group takes acts one by one and knows what its members knew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.core.group.group import Group
from p2pchat.core.group.operations import Remove, Rename, Role, Seen
from p2pchat.core.ids import EntryId
from p2pchat.errors import ProtocolError


def test_an_act_taken_twice_counts_once(world):
    genesis = world.ann.found()
    world.ann.group.add(genesis)
    assert len(world.ann.group.graph.acts) == 1


def test_an_act_that_knows_nothing_or_something_unknown_is_not_taken(world):
    genesis = world.ann.found()
    act = world.ann.do(Rename(world.ann.id, "new"))
    group = Group(genesis)
    for after in (frozenset(), frozenset([EntryId(b"x" * 32)])):
        with pytest.raises(ProtocolError):
            group.add(replace(act, after=after))
    group.add(act)
    assert group.view().name == "new"


def test_a_group_is_not_founded_by_another_act(world):
    world.ann.found()
    act = world.ann.do(Rename(world.ann.id, "new"))
    with pytest.raises(ProtocolError):
        Group(act)


def test_views_of_the_past_stay_what_they_were(world):
    world.gather("ann", bob=Role.ADMIN)
    before = world.ann.group.frontier
    view = world.ann.view
    world.ann.do(Remove(world.ann.id, world.bob.id, Seen()))
    world.bob.do(Rename(world.bob.id, "mine"))
    in_bobs_eyes = world.bob.group.frontier
    world.talk()
    assert world.ann.group.view_after(before) == view
    assert world.ann.group.view_after(in_bobs_eyes).name == "mine"
    assert world.ann.view.name == "friends"


def test_an_unknown_past_is_refused(world):
    world.gather("ann")
    with pytest.raises(ProtocolError):
        world.ann.group.view_after(frozenset([EntryId(b"x" * 32)]))


def test_what_an_entry_knows_follows_from_its_parents(world):
    world.gather("ann", bob=Role.ADMIN)
    graph = world.ann.group.graph
    common = world.ann.group.frontier
    one = world.ann.do(Rename(world.ann.id, "one"))
    other = world.bob.do(Rename(world.bob.id, "other"))
    world.talk()
    assert graph.frontier([common, frozenset([one.id])]) == {one.id}
    assert graph.frontier([frozenset([one.id]), frozenset([other.id])]) == {one.id, other.id}
    assert graph.frontier([common, common]) == common
    assert graph.frontier([]) == frozenset()
