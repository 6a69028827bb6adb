"""Polls: all count the same votes, whatever came in which order."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.testing.oracles import check, settle
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World


async def asked(world: World, *, multiple: bool = False) -> tuple[list[Person], str]:
    people = await world.found("ann", "bob", "cat")
    options = ["Rome", "Oslo", "home"]
    params = s.AskPoll(chat="#club", question="Where to?", options=options, multiple=multiple)
    poll = await people[0].change("poll.create", params)
    await settle(world)
    return people, poll.id


def chosen(person: Person, id: str) -> dict[str, set[str]]:
    """The ids of persons, by option."""
    names = {one.name: one.person for one in person.query("group.show", s.GroupName(group="club")).members}
    shown = person.query("poll.show", s.MessageId(id=id))
    return {one.text: {names[name] for name in one.voters} for one in shown.options}


def test_the_last_votes_before_the_end_count_alike_for_all(seed: int) -> None:
    async def scenario(world: World) -> None:
        people, id = await asked(world)
        ann, bob, cat = people
        await bob.change("poll.vote", s.CastVote(id=id, choices=[1]))
        world.partition([ann, bob], [cat])
        await cat.change("poll.vote", s.CastVote(id=id, choices=[2]))
        await bob.change("poll.vote", s.CastVote(id=id, choices=[3]))
        await world.pass_time(world.chances.uniform(0, 60))
        if world.chances.random() < 0.5:
            world.leap(world.chances.uniform(0, 86_400))
        await ann.change("poll.close", s.MessageId(id=id))
        await world.pass_time(world.chances.uniform(0, 60))
        if world.chances.random() < 0.5:  # does not know that it is closed: too late or not, all agree
            await cat.change("poll.vote", s.CastVote(id=id, choices=[1]))
        world.heal()
        await settle(world)
        check(world)
        views = [chosen(person, id) for person in people]
        assert views[0] == views[1] == views[2]
        assert views[0]["home"] == {bob.id.text}
        assert cat.id.text in views[0]["Oslo"] | views[0]["Rome"]
        assert all(one.query("poll.show", s.MessageId(id=id)).closed for one in people)
        with pytest.raises(NotAllowedError, match="closed"):
            await bob.change("poll.vote", s.CastVote(id=id, choices=[1]))

    simulate(seed, scenario)


def test_what_is_no_vote_is_refused_and_a_vote_can_be_taken_back(seed: int) -> None:
    async def scenario(world: World) -> None:
        (ann, bob, _), id = await asked(world, multiple=world.chances.random() < 0.5)
        multiple = ann.query("poll.show", s.MessageId(id=id)).multiple
        with pytest.raises(UsageError, match="1 to 3"):
            await bob.change("poll.vote", s.CastVote(id=id, choices=[4]))
        with pytest.raises(NotAllowedError, match="only who asked"):
            await bob.change("poll.close", s.MessageId(id=id))
        with pytest.raises(NotAllowedError, match="cannot be edited"):
            await ann.change("message.edit", s.EditMessage(id=id, text="Where from?"))
        with pytest.raises(NotFoundError):
            bob.query("poll.show", s.MessageId(id=await world.say(bob, "#club", "no poll")))
        if multiple:
            await bob.change("poll.vote", s.CastVote(id=id, choices=[3, 1]))
        else:
            with pytest.raises(UsageError, match="only one"):
                await bob.change("poll.vote", s.CastVote(id=id, choices=[1, 3]))
            await bob.change("poll.vote", s.CastVote(id=id, choices=[3]))
        await settle(world)
        assert chosen(ann, id)["home"] == {bob.id.text}
        assert chosen(ann, id)["Rome"] == ({bob.id.text} if multiple else set())
        await bob.change("poll.vote", s.CastVote(id=id, choices=[]))
        await settle(world)
        assert not any(chosen(ann, id).values())
        await ann.change("message.delete", s.MessageId(id=id))
        await settle(world)
        check(world)
        with pytest.raises(NotFoundError):
            bob.query("poll.show", s.MessageId(id=id))

    simulate(seed, scenario)
