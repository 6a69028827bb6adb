"""Scenario 12: links that lose a third and are down most of the time."""

from __future__ import annotations

from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

FLAPPING_S = (5.0, 20.0)  # up, down


def test_flapping_links_that_lose_a_third_deliver_within_minutes(worlds: Worlds) -> None:
    """All is there ten minutes (of virtual time) after it was written, without a storm."""

    async def scenario(world: World) -> None:
        ann, bob = await world.acquainted("ann", "bob")
        frames = world.net.frames["direct/1"]
        for number in range(count := world.size(4, 20)):
            await world.say(ann, "bob", f"one {number}")
            await world.say(bob, "ann", f"two {number}")
        for _ in range(24):
            await world.pass_time(FLAPPING_S[0])
            world.partition([ann], [bob])
            await world.pass_time(FLAPPING_S[1])
            world.heal()
        assert len(texts(ann, "bob")) == len(texts(bob, "ann")) == 2 * count
        assert world.net.frames["direct/1"] - frames < 20 * count
        await finish(world)

    worlds.run(scenario, Conditions(loss=0.3))


def test_a_group_on_flapping_links_that_lose_a_third_has_all_within_minutes(worlds: Worlds) -> None:
    """Every few seconds somebody else is cut off."""

    async def scenario(world: World) -> None:
        people = await world.found(*world.size("ann bob cat", "ann bob cat dan eve").split())
        for number in range(count := world.size(4, 20)):
            await world.say(world.chances.choice(people), "#club", f"text {number}")
            world.partition(world.chances.sample(people, world.size(1, 2)))
            await world.pass_time(world.chances.uniform(0, world.size(8, 20)))
            world.heal()
            await world.pass_time(world.chances.uniform(0, 5))
        await settle(world, within_s=600)
        await finish(world)
        assert all(len(texts(person, "#club")) == count for person in people)

    worlds.run(scenario, Conditions(loss=0.3))
