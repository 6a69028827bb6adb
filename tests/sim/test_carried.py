"""Messages carried by hand between people who cannot connect: once each, however often the file is taken."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


async def carry(source: Person, chat: str, *readers: Person) -> list[s.BundleTaken]:
    """Take what waits for `chat` to these; what each says."""
    packed = await source.change("bundle.export", s.ExportBundle(chat=chat))
    bundle = s.ImportBundle(parcels=packed.parcels, veiled=packed.veiled)
    return [await reader.change("bundle.import", bundle) for reader in readers]


def state(person: Person, id: str) -> str:
    found: str = person.query("message.show", s.MessageId(id=id)).deliveries[0].state
    return found


def test_private_messages_and_their_receipts_go_by_hand(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.persons("ann", "bob", "cat")
        await world.befriend(ann, bob)
        await world.befriend(ann, cat)
        await world.say(ann, "@bob", "we have met")
        await world.say(bob, "@ann", "so we have")
        await settle(world)
        world.partition([ann], [bob], [cat])
        with pytest.raises(NotFoundError, match="nothing waits"):
            await ann.change("bundle.export", s.ExportBundle(chat="@bob"))
        ids = [await world.say(ann, "@bob", text) for text in ("one", "two")]
        packed = await ann.change("bundle.export", s.ExportBundle(chat="@bob"))
        bundle = s.ImportBundle(parcels=packed.parcels, veiled=packed.veiled)
        assert [state(ann, id) for id in ids] == ["queued", "queued"]
        stranger = await cat.change("bundle.import", bundle)
        assert (stranger.parcels, stranger.others) == (0, len(packed.parcels))
        for _ in range(3):
            taken = await bob.change("bundle.import", bundle)
            assert (taken.parcels, taken.others) == (len(packed.parcels), 0)
        damaged = bytearray(packed.parcels[0])
        damaged[100] ^= 1
        spoilt = await bob.change("bundle.import", s.ImportBundle(parcels=[bytes(damaged)]))
        assert (spoilt.parcels, spoilt.others) == (0, 1)
        assert texts(bob, "@ann") == ["we have met", "so we have", "one", "two"]
        await world.say(bob, "@ann", "three")
        await carry(bob, "@ann", ann)
        assert texts(ann, "@bob")[-1] == "three"
        assert [state(ann, id) for id in ids] == ["delivered", "delivered"]
        world.heal()
        await world.say(ann, "@bob", "four")
        await finish(world)
        assert texts(bob, "@ann")[2:] == ["one", "two", "three", "four"]

    simulate(seed, scenario)


def test_a_group_goes_by_hand_with_the_keys_to_read_it(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        for one in (ann, bob, cat):
            await world.say(one, "#club", f"{one.name} is here")
        await settle(world)
        world.partition([ann], [bob], [cat])
        await ann.change("group.rotate", s.GroupName(group="club"))  # nobody has the new key yet
        for text in ("one", "two", "x" * 30_000):
            await world.say(ann, "#club", text)
        (first,) = await carry(ann, "#club", bob)
        assert first.entries == 3
        assert texts(bob, "#club")[-3:] == ["one", "two", "x" * 30_000]
        (again,) = await carry(ann, "#club", bob)
        assert again.entries == 0
        await world.say(bob, "#club", "three")
        await carry(bob, "#club", ann, cat)
        assert texts(ann, "#club")[-1] == "three"
        await carry(ann, "#club", cat)  # the key that bob could not pass on
        assert texts(cat, "#club") == texts(ann, "#club")
        world.heal()
        await finish(world)
        assert texts(ann, "#club") == texts(bob, "#club") == texts(cat, "#club")

    simulate(seed, scenario)
