"""What agreement costs on the wire."""

from __future__ import annotations

import trio

from p2pchat.api import schema as s
from p2pchat.net import protocols
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

COMMON, MISSING = 400, 10
GROUPS, MISSED = 5, 100


def test_a_small_difference_costs_little_however_long_the_log(seed: int) -> None:
    """Scenario 15, in small: who missed the last messages fetches these and not the log."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await world.group("club", ann, bob)
        for number in range(COMMON):
            await world.say(ann, "#club", f"text {number}")
        await settle(world)
        world.partition([ann], [bob])
        await world.pass_time(30)
        before = world.net.sent[protocols.SYNC]
        for number in range(COMMON, COMMON + MISSING):
            await world.say(ann, "#club", f"text {number}")
        newest = ann.look(
            lambda tx: tx.execute(
                "SELECT length(header) + length(body) FROM entry ORDER BY rowid DESC LIMIT ?", (MISSING,)
            )
        )
        missing = sum(row[0] for row in newest)
        world.heal()
        await settle(world)
        await finish(world)
        assert world.net.sent[protocols.SYNC] - before < 1.5 * missing + 64 * 1024

    simulate(seed, scenario, Conditions(gossip_loss=1.0))


def test_who_missed_much_in_many_groups_is_up_to_date_soon(seed: int) -> None:
    """Scenario 14, in small: texts and operations of several groups, while one member is away."""

    async def scenario(world: World) -> None:
        ann, bob, cat = await world.persons("ann", "bob", "cat")
        await world.befriend(ann, bob)
        await world.befriend(ann, cat)
        names = [f"club{number}" for number in range(GROUPS)]
        for name in names:
            await world.group(name, ann, bob, cat)
        await settle(world)
        await world.kill(cat)
        for number in range(MISSED):
            name = names[number % GROUPS]
            await world.say(world.chances.choice([ann, bob]), f"#{name}", f"text {number}")
            if number % 10 == 0:
                role = "admin" if number % 20 == 0 else "member"
                for one in names[:2]:
                    await ann.change("group.role", s.SetRole(group=one, role=role, who=bob.id.text))
        await settle(world)
        await world.start(cat)
        began = trio.current_time()
        await settle(world)
        assert trio.current_time() - began < 60
        for number, name in enumerate(names):
            newest = max(one for one in range(MISSED) if one % GROUPS == number)
            assert texts(cat, f"#{name}")[-1] == f"text {newest}"
        await finish(world)

    simulate(seed, scenario)
