"""Scenario 14, in small: texts and operations of several groups, while one member is away."""

from __future__ import annotations

import trio

from p2pchat.api import schema as s
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


async def in_groups(world: World, *names: str) -> list[Person]:
    """Three who are in groups of these names."""
    ann, bob, cat = await world.acquainted("ann", "bob", "cat")
    for name in names:
        await world.group(name, ann, bob, cat)
    return [ann, bob, cat]


def test_who_missed_much_in_many_groups_is_up_to_date_soon(worlds: Worlds) -> None:
    async def scenario(world: World) -> None:
        names = [f"club{number}" for number in range(world.size(2, 5))]
        missed = world.size(8, 100)
        ann, bob, cat = await world.behind(in_groups, *names)
        await settle(world)
        await world.kill(cat)
        for number in range(missed):
            name = names[number % len(names)]
            await world.say(world.chances.choice([ann, bob]), f"#{name}", f"text {number}")
            if number % world.size(5, 10) == 0:
                role = "admin" if number % world.size(10, 20) == 0 else "member"
                for one in names[:2]:
                    await ann.change("group.role", s.SetRole(group=one, role=role, who=bob.id.text))
        await settle(world)
        await world.start(cat)
        began = trio.current_time()
        await settle(world)
        assert trio.current_time() - began < 60
        for number, name in enumerate(names):
            assert set(texts(cat, f"#{name}")) == {
                f"text {one}" for one in range(missed) if one % len(names) == number
            }
        await finish(world)

    worlds.run(scenario)
