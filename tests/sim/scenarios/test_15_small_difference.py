"""Scenario 15, in small: what a small difference between two logs costs on the wire."""

from __future__ import annotations

from p2pchat.net import protocols
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import settle
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

MISSING = 10


def test_a_small_difference_costs_little_however_long_the_log(worlds: Worlds) -> None:
    """Who missed the last messages fetches these and not the log."""

    async def scenario(world: World) -> None:
        ann, bob = await world.found("ann", "bob")
        common = world.size(25, 400)
        for number in range(common):
            await world.say(ann, "#club", f"text {number}")
        await settle(world)
        world.partition([ann], [bob])
        await world.pass_time(30)
        before = world.net.sent[protocols.SYNC]
        for number in range(common, common + MISSING):
            await world.say(ann, "#club", f"text {number}")
        newest = ann.look(
            lambda tx: tx.execute(
                "SELECT length(header) + length(body) FROM entry ORDER BY rowid DESC LIMIT ?", (MISSING,)
            )
        )
        missing = sum(row[0] for row in newest)
        world.heal()
        await finish(world)
        cost = world.net.sent[protocols.SYNC] - before
        assert cost < 1.5 * missing + world.size(4, 64) * 1024, f"{cost} bytes for {missing}"

    worlds.run(scenario, Conditions(gossip_loss=1.0))
