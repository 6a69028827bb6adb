"""Scenario 8: a member says one thing to some and another to others."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.log.equivocation import EquivocationProof
from p2pchat.store import events
from p2pchat.testing.oracles import group_id, settle, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


def test_who_forks_his_chain_is_found_out_by_all(worlds: Worlds) -> None:
    """A store is copied, and both copies write. All show both texts, hold the proof and are told."""

    async def scenario(world: World) -> None:
        eve, ann, bob, *others = await world.found(
            *world.size("eve ann bob", "eve ann bob cat dan fay").split()
        )
        await settle(world)
        await world.kill(eve)
        copy = eve.copy_store()
        await world.start(eve)
        world.partition([ann, eve, *others[::2]], [bob, *others[1::2]])
        await world.say(eve, "#club", "yes")
        await world.pass_time(world.size(10, 60))
        await world.kill(eve)
        eve.put_store(copy)
        await world.start(eve)
        world.partition([bob, eve, *others[1::2]], [ann, *others[::2]])
        await world.say(eve, "#club", "no")
        await world.pass_time(world.size(10, 60))
        world.heal()
        await finish(world, liars=[eve])
        for person in (ann, bob, *others):
            assert set(texts(person, "#club")) == {"yes", "no"}
            ((device, proof),) = person.look(lambda tx: tx.execute("SELECT device, proof FROM equivocation"))
            assert device == eve.device
            assert EquivocationProof.decode(proof).verify()[:2] == (group_id(person, "club"), eve.device)
            told = [one for one in person.look(events.after, 0, limit=1000) if one.type == "log.equivocation"]
            assert len(told) == 1
            (fork,) = person.query("group.verify", s.GroupName(group="club")).proofs
            assert fork.name == "eve"

    worlds.run(scenario)
