"""Scenario 6: A removes B while B removes A and (in small worlds half of the time) invites C."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.testing.oracles import group_id, members, settle
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400.0


def test_duelling_admins_end_the_same_for_all(worlds: Worlds) -> None:
    async def scenario(world: World) -> None:
        ann, abe, bob, *others = await world.found(
            *world.size("ann abe bob eve", "ann abe bob dan eve fay gus ian joe").split()
        )
        for admin in (abe, bob):
            await ann.change("group.role", s.SetRole(group="club", role="admin", who=admin.id.text))
        comes = await world.persons("cat") if world.chances.random() < world.size(0.5, 1.0) else []
        for cat in comes:
            await world.befriend(bob, cat)
        await settle(world)
        # Each side needs a witness: nobody asks who is out for what he alone knows.
        with_abe, with_bob = others[1::2], [*comes, *others[::2]]
        if with_abe:
            world.partition([abe, *with_abe], [bob, *with_bob], [ann])
        else:
            world.partition([abe, ann], [bob, *with_bob])
        await abe.change("group.remove", s.RemoveMember(group="club", who=bob.id.text))
        await bob.change("group.remove", s.RemoveMember(group="club", who=abe.id.text))
        for cat in comes:
            await world.invite("club", bob, cat)
            await world.say(cat, "#club", "I am new here")
        world.leap(world.chances.uniform(0, DAY_S))
        if with_abe and world.chances.random() < 0.5:  # who duelled meet before the founder hears of it
            world.partition([abe, *with_abe, bob, *with_bob], [ann])
            await world.pass_time(world.chances.uniform(0, 100))
        world.heal()
        await finish(world)
        inside = members(world.people, group_id(ann, "club"))
        assert ann in inside
        assert abe not in inside
        assert bob not in inside
        assert set(others) <= set(inside)

    worlds.run(scenario)
