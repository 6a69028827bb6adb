"""What somebody who was removed still gets: what was written by those who did not know it, and no more."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.testing.oracles import entries, group_id, settle
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World


def test_who_is_out_gets_his_removal_and_nothing_behind_it(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        await settle(world)
        await world.kill(cat)
        await ann.change("group.role", s.SetRole(group="club", role="admin", who=cat.id.text))
        await world.say(ann, "#club", "before")
        await settle(world)
        await ann.change("group.remove", s.RemoveMember(group="club", who=cat.id.text))
        group = group_id(ann, "club")
        his = entries(ann, group)
        await world.say(ann, "#club", "alone at last")
        await settle(world)
        await world.say(bob, "#club", "indeed")
        await settle(world)
        await world.start(cat)
        await world.pass_time(120)
        assert cat.query("group.show", s.GroupName(group="club")).state == "removed"
        assert entries(cat, group) == his

    simulate(seed, scenario)


def test_a_push_is_acknowledged_without_a_round(seed: int) -> None:
    """Else an author would learn only half a minute later that his words have arrived."""

    async def scenario(world: World) -> None:
        ann, _ = await world.found("ann", "bob")
        await settle(world)
        await world.pass_time(10)
        id = await world.say(ann, "#club", "did you get it?")
        await world.until(
            lambda: ann.query("message.show", s.MessageId(id=id)).state == "delivered", "delivered"
        )
        shown = ann.query("message.show", s.MessageId(id=id))
        assert (
            shown.deliveries[0].at_ms - shown.sent_ms < 300
        )  # a round begins when a log has been quiet for so long

    simulate(seed, scenario)


def test_a_stream_that_broke_on_a_good_connection_is_opened_anew_at_once(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.found("ann", "bob")
        await settle(world)
        await world.pass_time(20)
        assert ann.node is not None
        talks = ann.node._group_sync._talks
        before = talks[bob.device]
        for connection in world.net.hosts[ann.device].all_connections():
            for stream, _ in connection.streams:
                stream.reset()
        await world.until(lambda: talks.get(bob.device, before) is not before, "they talk again", within_s=1)

    simulate(seed, scenario)
