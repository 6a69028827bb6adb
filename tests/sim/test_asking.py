"""Links behind which somebody decides: who holds one can ask, and nobody is in before he is approved."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.testing.oracles import check, group_id, members, settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

CLUB = s.GroupName(group="club")


async def link_of(person: Person, **limits: int) -> s.GroupLink:
    made: s.GroupLink = await person.change(
        "group.link", s.CreateGroupLink(group="club", approve=True, **limits)
    )
    assert made.approve
    return made


def asking(person: Person) -> list[tuple[str, bool]]:
    return [(one.name, one.rejected) for one in person.query("group.applicants", CLUB).applicants]


def view(person: Person) -> s.Group:
    found: s.Group = person.query("group.show", CLUB)
    return found


def test_who_asks_is_in_when_he_is_approved_and_not_before(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.found("ann", "bob", history="all")
        await world.say(ann, "#club", "before")
        await settle(world)
        link = await link_of(ann)
        dan, eve = await world.person("dan"), await world.person("eve")
        for one in (dan, eve):
            await one.change("group.join", s.JoinGroup(link=link.link))
        await world.until(lambda: len(asking(ann)) == 2, "both have asked", within_s=300)
        await world.until(lambda: "have asked" in view(dan).answer, "he is told", within_s=300)
        await world.pass_time(120)  # they knock again
        assert view(dan).state == view(eve).state == "joining"
        assert members(world.people, group_id(ann, "club")) == [ann, bob]
        told = [one.data for one in ann.query("events.list", s.Since()).events if one.type == "group.asked"]
        assert sorted(one["by"] for one in told) == ["dan", "eve"]
        if world.chances.random() < 0.5:
            await world.restart(ann)
        with pytest.raises(NotFoundError, match="nobody who asks"):
            await ann.change("group.approve", s.ApproveApplicant(group="club", who="bob"))
        await ann.change("group.approve", s.ApproveApplicant(group="club", who="dan"))
        await ann.change("group.approve", s.ApproveApplicant(group="club", who="eve", on=False))
        await world.until(lambda: view(dan).state == "joined", "dan is in", within_s=300)
        await world.until(lambda: "does not let" in view(eve).answer, "eve is told", within_s=300)
        await world.say(dan, "#club", "here I am")
        await settle(world)
        assert texts(dan, "#club") == texts(bob, "#club") == ["before", "here I am"]
        assert asking(ann) == [("eve", True)]
        assert members(world.people, group_id(ann, "club")) == [ann, bob, dan]
        await eve.change("group.leave", CLUB)
        await finish(world)

    simulate(seed, scenario)


def test_a_link_is_closed_used_up_or_no_link(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, _ = await world.found("ann", "bob")
        closed, once = await link_of(ann), await link_of(ann, max_uses=1)
        assert [one.uses for one in ann.query("group.links", CLUB).links] == [0, 0]
        left = await ann.change("group.revoke", s.RevokeGroupLink(group="club", link=closed.id[:8]))
        assert [one.id for one in left.links] == [once.id]
        dan, eve, pam = [await world.person(name) for name in ("dan", "eve", "pam")]
        await pam.change("group.join", s.JoinGroup(link=closed.link))
        await dan.change("group.join", s.JoinGroup(link=once.link))
        await world.until(lambda: asking(ann) == [("dan", False)], "dan asks", within_s=300)
        await ann.change("group.approve", s.ApproveApplicant(group="club", who="dan"))
        await eve.change("group.join", s.JoinGroup(link=once.link))
        await world.until(lambda: "used up" in view(eve).answer, "it is used up", within_s=300)
        await world.until(lambda: "revoked" in view(pam).answer, "it is revoked", within_s=300)
        for limits in ({"max_uses": 0}, {"expires_s": 0}):
            with pytest.raises(UsageError):
                await link_of(ann, **limits)
        for one in (eve, pam):
            await one.change("group.leave", CLUB)
        check(world)

    simulate(seed, scenario)
