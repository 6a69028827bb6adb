"""A sender key that its owner has given up opens nothing that he writes afterwards."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.ids import EntryId
from p2pchat.node.features.group.group_messages import read_sealed
from p2pchat.store import logs
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


def session(person: Person, id: str) -> bytes:
    """The session that sealed a message."""
    entry = person.look(logs.get, EntryId.parse(id))
    assert entry is not None
    return read_sealed(entry.body).session_id


def test_a_new_key_seals_what_is_written_after_a_rotation(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        before = [await world.say(ann, "#club", text) for text in ("one", "two")]
        await world.kill(cat)  # is away, and is given the new key later
        await ann.change("group.rotate", s.GroupName(group="club"))
        after = [await world.say(ann, "#club", text) for text in ("three", "four")]
        assert session(ann, before[0]) == session(ann, before[1])
        assert session(ann, after[0]) == session(ann, after[1])
        assert session(ann, before[0]) != session(ann, after[0])
        await world.start(cat)
        await settle(world)
        for reader in (bob, cat):
            assert texts(reader, "#club") == ["one", "two", "three", "four"]
        await finish(world)

    simulate(seed, scenario)
