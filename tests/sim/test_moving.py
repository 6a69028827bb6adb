"""Moving to another network, and waking up."""

from __future__ import annotations

from p2pchat.core.identity import Card
from p2pchat.store import people
from p2pchat.testing.oracles import check, settle, texts
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World


def test_who_comes_into_another_network_after_hours_is_talked_with_at_once(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        world.partition({ann}, {bob})
        await world.pass_time(3 * 3600)  # by now both dial every five minutes only
        await world.say(ann, "bob", "I am at home")
        assert ann.node is not None
        (absence,) = ann.node.links.absences()
        assert absence.device == bob.device
        assert absence.reason
        world.heal()
        world.net.hosts[ann.device].moved()
        await world.until(lambda: texts(bob, "ann") == ["I am at home"], "bob reads it", within_s=5)
        assert ann.node.links.absences() == []
        await settle(world)
        check(world)

    simulate(seed, scenario)


def test_who_was_here_minutes_ago_is_not_waited_for_long(seed: int) -> None:
    """Nobody is told that the way is free again, as after a machine was too busy to answer."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await world.pass_time(60)
        world.partition({ann}, {bob})
        await world.pass_time(500)
        assert ann.node is not None
        assert ann.node.links.absences()
        world.heal()
        await world.until(lambda: not ann.node.links.absences(), "they are connected", within_s=30)

    simulate(seed, scenario)


def test_who_switched_the_exchange_off_tells_nobody_where_he_is(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)

        def told() -> list[str]:
            raw = bob.look(people.card, ann.id)
            assert raw is not None
            return [address for _, address in Card.decode(raw).addresses]

        assert ann.node is not None
        await world.until(lambda: bool(told()), "bob is told where ann is", within_s=30)
        ann.node.exchanges = False
        await world.until(lambda: not told(), "bob's card of ann names no address", within_s=60)
        await world.say(ann, "bob", "you know me")
        await settle(world)

    simulate(seed, scenario)
