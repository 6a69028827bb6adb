"""What a thief of a running node's disk, who has its key too, finds of what was before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from p2pchat.api import schema as s
from p2pchat.node.node import SETTLE_S
from p2pchat.store import meta, sessions
from p2pchat.store.sqlite import connect
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

WORD = "pomegranate7181"
CHUNK = 32  # bytes; a state may be torn over pages

Forget = Callable[[Person, str], Awaitable[object]]


def pages(person: Person) -> bytes:
    """All pages of the main file, opened with its key, whether they are in use or free; the WAL is empty."""
    wal = person.database.path.with_name("store.db-wal")
    assert wal.stat().st_size == 0
    connection = connect(person.database.path, person.key, readonly=True)
    try:
        return bytes(connection.serialize("main"))
    finally:
        connection.close()


def test_ratchet_states_of_before_are_gone_within_a_minute() -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        before = [(person, person.look(meta.get, "olm account")) for person in (ann, bob)]
        await world.befriend(ann, bob)
        for text in ("one", "two", "three"):
            for person, other in ((ann, bob), (bob, ann)):
                state = person.look(sessions.pairwise, other.device)
                assert state is not None
                before.append((person, state))
                await world.say(person, f"@{other}", text)
                await world.pass_time(2)
        await world.pass_time(SETTLE_S + 2)
        found = {person: pages(person) for person in (ann, bob)}
        now = {person: person.look(sessions.pairwise, o.device) for person, o in ((ann, bob), (bob, ann))}
        for person in (ann, bob):
            assert now[person][:CHUNK] in found[person], "the states in use are looked for in the right way"
        now_held = {person.look(meta.get, "olm account") for person in (ann, bob)}
        assert any(state not in now_held for _, state in before[:2]), "a prekey was used up"
        for person, state in before:
            if state in now_held:
                continue
            chunks = {state[at : at + CHUNK] for at in range(0, len(state) - CHUNK, CHUNK)}
            assert not any(chunk in found[person] for chunk in chunks)

    simulate(1, scenario)


async def _delete(ann: Person, id: str) -> None:
    await ann.change("message.delete", s.MessageId(id=id))


async def _edit(ann: Person, id: str) -> None:
    await ann.change("message.edit", s.EditMessage(id=id, text="nothing"))
    await ann.change("message.delete", s.MessageId(id=id))


@pytest.mark.parametrize("forget", [_delete, _edit])
def test_the_words_of_a_deleted_message_are_on_neither_disk(forget: Forget) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        id = await world.say(ann, "@bob", f"there is a {WORD}")
        await world.pass_time(SETTLE_S + 2)
        assert all(WORD.encode() in pages(person) for person in (ann, bob))
        await forget(ann, id)
        await world.pass_time(SETTLE_S + 2)
        assert not any(WORD.encode() in pages(person) for person in (ann, bob))

    simulate(1, scenario)


def test_the_words_of_a_vanished_message_are_on_neither_disk() -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await ann.change("chat.timer", s.ChatTimer(chat="@bob", seconds=30))
        await world.say(ann, "@bob", f"there is a {WORD}")
        await world.pass_time(30 + SETTLE_S + 5)
        assert not any(WORD.encode() in pages(person) for person in (ann, bob))

    simulate(1, scenario)
