"""What agreement costs on the wire."""

from __future__ import annotations

from p2pchat.net import protocols
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import check, settle
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

COMMON, MISSING = 400, 10


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
        check(world)
        assert world.net.sent[protocols.SYNC] - before < 1.5 * missing + 64 * 1024

    simulate(seed, scenario, Conditions(gossip_loss=1.0))
