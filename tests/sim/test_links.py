"""Invite links of groups: whoever holds one is let in by any member who is on line."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.testing.oracles import check, group_id, members, settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400


async def founded(world: World, *names: str) -> list[Person]:
    """A group 'club' whose members all know all addresses."""
    people = await world.found(*names, history="all")
    await settle(world)
    return people


async def link_of(person: Person, **limits: int) -> str:
    made = await person.change("group.link", s.CreateGroupLink(group="club", **limits))
    text: str = made.link
    return text


def state(person: Person) -> str:
    found: str = person.query("group.show", s.GroupName(group="club")).state
    return found


def test_a_stranger_is_let_in_by_a_member_while_the_founder_is_away(seed: int) -> None:
    """Scenarios 12 and 22: nobody who made the link has to be there."""

    async def scenario(world: World) -> None:
        ann, bob, cat = await founded(world, "ann", "bob", "cat")
        await world.say(ann, "#club", "welcome to whoever comes")
        link = await link_of(ann)
        await settle(world)
        await world.kill(ann)
        dan = await world.person("dan")
        if world.chances.random() < 0.5:
            await world.kill(bob)
        await dan.change("group.join", s.JoinGroup(link=link))
        await world.until(lambda: state(dan) == "joined", "dan is in", within_s=300)
        await world.say(dan, "#club", "here I am")
        await settle(world)
        for person in (ann, bob):
            if not person.is_up:
                await world.start(person)
        await settle(world)
        await finish(world)
        assert members(world.people, group_id(ann, "club")) == [ann, bob, cat, dan]
        assert all(texts(one, "#club") == ["welcome to whoever comes", "here I am"] for one in world.people)
        assert dan.query("group.show", s.GroupName(group="club")).answer == ""
        page = dan.query("message.history", s.History(chat="#club", limit=100)).messages
        assert "invited bob" in [one.text for one in page], "said before dan knew whose the id was"

    simulate(seed, scenario)


def test_a_link_lets_in_no_more_than_it_says_though_members_are_cut_off(seed: int) -> None:
    """Two members let in one each by a link for one: the resolver keeps the first, all agree which."""

    async def scenario(world: World) -> None:
        ann, bob = await founded(world, "ann", "bob")
        link = await link_of(ann, max_uses=1)
        await settle(world)
        dan, eve = await world.persons("dan", "eve")
        world.partition([ann, dan], [bob, eve])
        for guest in (dan, eve):
            await guest.change("group.join", s.JoinGroup(link=link))
        await world.until(lambda: state(dan) == state(eve) == "joined", "both are in", within_s=600)
        world.heal()
        await world.until(
            lambda: sorted([state(dan), state(eve)]) == ["joined", "removed"], "one is out", within_s=600
        )
        await settle(world)
        check(world)
        assert len(members(world.people, group_id(ann, "club"))) == 3
        late = await world.person("late")
        await late.change("group.join", s.JoinGroup(link=link))
        await world.pass_time(300)
        shown = late.query("group.show", s.GroupName(group="club"))
        assert (shown.state, "used up" in shown.answer) == ("joining", True)
        await late.change("group.leave", s.GroupName(group="club"))
        assert state(late) == "left"

    simulate(seed, scenario)


def test_a_link_that_was_revoked_or_has_expired_lets_nobody_in(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await founded(world, "ann", "bob")
        revoked, short = await link_of(ann), await link_of(bob, expires_s=DAY_S)
        await settle(world)
        dan, eve = await world.persons("dan", "eve")
        eve.skew_ms = -2 * 1000 * DAY_S
        (open_one, _) = ann.query("group.links", s.GroupName(group="club")).links[::-1]
        await ann.change("group.revoke", s.RevokeGroupLink(group="club", link=open_one.id))
        world.leap(DAY_S + 1)
        with pytest.raises(UsageError, match="expired"):
            await dan.change("group.join", s.JoinGroup(link=short))
        await dan.change("group.join", s.JoinGroup(link=revoked))
        await eve.change("group.join", s.JoinGroup(link=short))  # by his clock it is good
        await world.pass_time(300)
        assert (state(dan), state(eve)) == ("joining", "joining")
        assert "revoked" in dan.query("group.show", s.GroupName(group="club")).answer
        assert "expired" in eve.query("group.show", s.GroupName(group="club")).answer
        assert len(members(world.people, group_id(ann, "club"))) == 2
        assert not ann.query("group.links", s.GroupName(group="club")).links
        with pytest.raises(NotAllowedError):
            await dan.change("message.send", s.Send(chat="#club", text="hello?"))

    simulate(seed, scenario)


def test_who_was_banned_is_let_in_by_no_link(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await founded(world, "ann", "bob", "cat")
        link = await link_of(bob)
        await settle(world)
        await ann.change("group.remove", s.RemoveMember(group="club", who=cat.id.text, ban=True))
        await settle(world)
        await world.until(lambda: state(cat) == "removed", "cat is told", within_s=300)
        assert cat.query("group.show", s.GroupName(group="club")).ended == "banned by ann"
        await cat.change("group.join", s.JoinGroup(link=link))
        await world.pass_time(300)
        assert state(cat) == "joining"
        assert len(members(world.people, group_id(ann, "club"))) == 2
        assert bob.query("group.show", s.GroupName(group="club")).banned == ["cat"]

    simulate(seed, scenario)
