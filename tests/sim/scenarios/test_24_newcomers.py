"""Scenario 24: what somebody who joins may read of what was said before."""

from __future__ import annotations

from p2pchat.testing.oracles import group_id, outsiders_lack, settle, shown, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


def test_newcomers_read_what_the_policy_lets_them(worlds: Worlds) -> None:
    async def scenario(world: World) -> None:
        history = world.chances.choice(["all", "from-join"])
        ann, bob, *others = await world.found(
            *world.size("ann bob", "ann bob dan eve").split(), history=history
        )
        authors = [ann, bob, *others]
        before = [
            await world.say(one, "#club", f"{one} before {number}")
            for number in range(world.size(2, 5))
            for one in authors
        ]
        await settle(world)
        await world.befriend(ann, cat := await world.person("cat"))
        if world.chances.random() < 0.5:
            await world.kill(bob)
        await world.invite("club", ann, cat)
        await world.say(ann, "#club", "welcome")
        if not bob.is_up:
            await world.start(bob)
        await finish(world)
        lines = shown(cat, group_id(cat, "club"))
        if history == "all":
            assert texts(cat, "#club") == texts(ann, "#club")
            assert len(texts(cat, "#club")) == len(before) + 1
        else:
            assert texts(cat, "#club") == ["welcome"]
            assert all("before you joined" in line.text for line in lines if line.kind == "sealed")
            outsiders_lack(ann, cat, before)

    worlds.run(scenario)
