"""Scenarios 10 and 11 in a group: gossip that repeats, delays and reorders."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import group_id, settle, shown
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400.0


def test_gossip_that_repeats_delays_and_reorders_changes_nothing(worlds: Worlds) -> None:
    """Each payload up to ten times, days late, replies before what they answer."""

    late_s = 600.0 if worlds.is_large else 60.0  # at most, while days are leapt over

    async def scenario(world: World) -> None:
        people = await world.found(*world.size("ann bob cat", "ann bob cat dan").split())
        steps = world.size(5, 20)
        for number in range(steps):
            person = world.chances.choice(people)
            page = person.query("message.history", s.History(chat="#club")).messages
            reply = page[-1].id if page and page[-1].kind == "text" else None
            await person.change("message.send", s.Send(chat="#club", text=f"text {number}", reply=reply))
            if number == steps // 2:
                world.partition(people[:2], people[2:])
            await world.pass_time(world.chances.uniform(0, 20))
            world.leap(world.chances.uniform(0, 1.5 * DAY_S))
        world.heal()
        await settle(world)
        await world.pass_time(late_s)
        await finish(world)
        for person in people:
            lines = shown(person, group_id(person, "club"))
            assert len(lines) == steps
            place = {line.id: number for number, line in enumerate(lines)}
            assert all(place[line.reply] < place[line.id] for line in lines if line.reply)
            unread = next(
                one.unread for one in person.query("chat.list", s.ChatQuery()).chats if one.chat == "#club"
            )
            assert unread == sum(not line.mine for line in lines)

    worlds.run(scenario, Conditions(gossip_copies=10, gossip_loss=0.3, gossip_delay_s=late_s))
