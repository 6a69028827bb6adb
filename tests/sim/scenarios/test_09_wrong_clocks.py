"""Scenario 9: members who live in 1970 and 2106, two days early and late."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400.0
HOUR_S = 3600
SKEWS_S = [0.0, -2 * DAY_S, 2 * DAY_S, -1.8e9, 2.5e9, 2400.0]


def test_wrong_clocks_lose_nothing_and_keep_the_order(worlds: Worlds) -> None:
    async def scenario(world: World) -> None:
        people = await world.found(*world.size("ann bob cat", "ann bob cat dan eve fay").split())
        for person, skew_s in zip(people, world.chances.sample(SKEWS_S, len(people)), strict=True):
            person.skew_ms = int(1000 * skew_s)
        said = [f"number {number:02}" for number in range(world.size(4, 15))]
        for text in said:
            await world.say(world.chances.choice(people), "#club", text)
            await settle(world)  # so that each has read what he answers to
        await finish(world)
        assert all(texts(person, "#club") == said for person in people)
        await people[0].change("chat.timer", s.ChatTimer(chat="#club", seconds=HOUR_S))
        await settle(world)
        await world.say(world.chances.choice(people), "#club", "for an hour")
        await settle(world)
        for person in people:
            await person.change("chat.read", s.ReadChat(chat="#club"))
        world.leap(0.9 * HOUR_S)
        await world.pass_time(10)
        assert all(texts(person, "#club") == [*said, "for an hour"] for person in people)
        world.leap(0.1 * HOUR_S)
        await world.pass_time(10)
        assert all(texts(person, "#club") == said for person in people)

    worlds.run(scenario)
