"""Scenario 7: an admin who was removed writes as if he had not heard of it."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.node.features.group import group_log
from p2pchat.store import logs
from p2pchat.testing.oracles import group_id, members, restart_changes_nothing, settle, shown, texts
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400.0


def test_a_removed_admin_who_writes_to_an_earlier_date_comes_too_late(worlds: Worlds) -> None:
    """Before the removal is confirmed he drags his remover out with him, afterwards nobody."""

    async def scenario(world: World) -> None:
        ann, bob, eve, *others = await world.found(*world.size("ann bob eve", "ann bob eve cat").split())
        is_confirmed = world.chances.random() < 0.7
        for admin in (bob, eve):
            await ann.change("group.role", s.SetRole(group="club", role="admin", who=admin.id.text))
        await ann.change("group.policy", s.SetPolicy(group="club", confirm="1" if is_confirmed else "off"))
        await world.say(eve, "#club", "in time")
        await settle(world)
        await world.kill(eve)
        await bob.change("group.remove", s.RemoveMember(group="club", who=eve.id.text))
        await settle(world)
        world.leap(DAY_S)
        if world.is_large:
            await world.pass_time(2 * 3600)  # nodes do their upkeep every hour,
        else:
            await world.restart(ann, bob, *others)  # and when they start
        await settle(world)
        left = ann.query("group.show", s.GroupName(group="club")).unconfirmed
        assert left == (0 if is_confirmed else 1)
        await world.say(eve, "#club", "far too late")
        await eve.change("group.remove", s.RemoveMember(group="club", who=bob.id.text))
        group = group_id(ann, "club")
        late = list(eve.look(logs.of_author_since, group, eve.device, 0))[-2:]
        carrier = [ann, *others][-1]
        assert carrier.node
        await carrier.node.store.run(lambda tx: group_log.take_entries(carrier.app, tx, group, late))
        await finish(world, liars=[eve])
        inside = [ann, bob, *others] if is_confirmed else [ann, *others]
        assert members([ann, bob, *others], group) == inside
        for person in inside:
            expected = ["in time"] if is_confirmed else ["in time", "far too late"]
            assert texts(person, "#club") == expected
            assert person.query("group.verify", s.GroupName(group="club")).good
            deeds = person.query("group.log", s.GroupName(group="club")).deeds
            assert sum(not one.stands for one in deeds) == is_confirmed  # it is kept, as evidence
        if not is_confirmed:
            (line,) = [one for one in shown(ann, group) if one.text == "far too late"]
            assert ann.query("message.show", s.MessageId(id=line.id.text)).verdict == "flagged"
        if world.is_large:
            await restart_changes_nothing(world, ann)

    worlds.run(scenario)
