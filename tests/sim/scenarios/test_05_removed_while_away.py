"""Scenario 5: a member is removed while he is away, and goes on writing before he hears of it."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.direct import items
from p2pchat.testing.oracles import outsiders_lack, settle, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

_FOR_HIM = "SELECT kind FROM outbox WHERE device = ?"  # what would go to mailboxes and fellow members


def test_who_was_removed_while_away_reads_nothing_more(worlds: Worlds) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat, *more = await world.found(*world.size("ann bob cat", "ann bob cat dan eve").split())
        others = [ann, bob, *more]
        await world.say(ann, "#club", "welcome")
        await settle(world)
        await world.kill(cat)
        await ann.change("group.remove", s.RemoveMember(group="club", who=cat.id.text))
        secret = [await world.say(ann, "#club", "at last alone")]
        await settle(world)
        secret.append(await world.say(bob, "#club", "indeed"))
        await settle(world)
        for person in others:
            waiting = person.look(lambda tx: tx.execute(_FOR_HIM, (cat.device,)))
            assert {kind for (kind,) in waiting} <= {items.CARD}, f"{person} keeps {waiting} for who is out"
        for number in range(5):
            await world.say(cat, "#club", f"what a silence {number}")
        await world.start(cat)
        await finish(world)
        assert [text for text in texts(bob, "#club") if text.startswith("what")] == []
        assert texts(cat, "#club")[:1] == ["welcome"]
        his = cat.query("group.show", s.GroupName(group="club"))
        assert (his.state, his.ended) == ("removed", "removed by ann")
        outsiders_lack(ann, cat, secret)

    worlds.run(scenario)
