"""Scenario 4: a group whose members are cut off from each other for days."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.ids import GroupId
from p2pchat.net import protocols
from p2pchat.testing.oracles import group_id, members, restart_changes_nothing, settle
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import Worlds
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400.0
_SIZES = "SELECT id, length(header) + coalesce(length(body), 0) FROM entry WHERE conversation = ?"


async def meddle(world: World, people: list[Person], number: int) -> None:
    """Somebody writes, edits or deletes what he wrote, or reacts to what he reads."""
    person = world.chances.choice(people)
    page = person.query("message.history", s.History(chat="#club", limit=500)).messages
    texts = [one for one in page if one.kind == "text"]
    mine = [one for one in texts if one.mine]
    act = world.chances.choice(["say", "say", "delete", "edit", "react"])
    if act == "delete" and mine:
        await person.change("message.delete", s.MessageId(id=world.chances.choice(mine).id))
    elif act == "edit" and mine:
        edit = s.EditMessage(id=world.chances.choice(mine).id, text=f"edited {number}")
        await person.change("message.edit", edit)
    elif act == "react" and texts:
        emoji = world.chances.choice("👍🎉")
        await person.change("message.react", s.React(id=world.chances.choice(texts).id, emoji=emoji))
    else:
        await world.say(person, "#club", f"text {number}")


def lacking(people: list[Person], group: GroupId) -> int:
    """Bytes of the entries that some of `people` have, for each who lacks them."""
    held = [dict(one.look(lambda tx: tx.execute(_SIZES, (group,)))) for one in people]
    whole = {id: size for one in held for id, size in one.items()}
    return sum(sum(whole.values()) - sum(one.values()) for one in held)


def test_members_cut_off_from_each_other_for_days_agree_when_they_meet(worlds: Worlds) -> None:
    """Three islands (small: two), on each of which people write, edit, react, join or are removed."""

    async def scenario(world: World) -> None:
        names = world.size("ann bob cat", "ann gus cat dan eve fay bob").split()
        people = await world.found(*names)
        ann, out, cat, *others = people
        await ann.change("group.role", s.SetRole(group="club", role="admin", who=cat.id.text))
        await world.befriend(cat, new := await world.person("new"))
        await world.say(out, "#club", "before we part")
        await settle(world)
        left, right = [ann, out, *others[3:]], [cat, new, *others[:1]]
        world.partition(left, right, others[1:3])
        for number in range(world.size(4, 30)):
            await meddle(world, [one for one in people if one is not out], number)
            await world.pass_time(world.chances.uniform(0, world.size(3, 10)))
            world.leap(world.chances.uniform(0, world.size(1.0, 0.2) * DAY_S))
        await world.invite("club", cat, new)
        await ann.change("group.remove", s.RemoveMember(group="club", who=out.id.text))
        inside = [one for one in world.people if one is not out]
        missing, before = lacking(inside, group_id(ann, "club")), world.net.sent[protocols.SYNC]
        assert missing
        world.heal()
        await settle(world)
        cost = world.net.sent[protocols.SYNC] - before
        # Where several meet several who lack the same, some of it is sent by two at once.
        assert cost <= world.size(1.5, 2.5) * missing + 64 * 1024, f"{cost} bytes for {missing}"
        await finish(world)
        assert members(world.people, group_id(ann, "club")) == inside
        await restart_changes_nothing(world, *world.chances.sample(inside, world.size(0, 2)))

    worlds.run(scenario)
