"""People who are never on line together, and friends who keep what they write to each other meanwhile."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.testing.oracles import check, settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World


def held_by(author: Person, message: str) -> list[str]:
    """Who keeps a message of `author`."""
    shown = author.query("message.show", s.MessageId(id=message))
    return list(shown.deliveries[0].held_by)


def state(author: Person, message: str) -> str:
    return str(author.query("message.show", s.MessageId(id=message)).state)


def test_a_fellow_member_keeps_a_message_for_two_who_never_meet(seed: int) -> None:
    """Scenario 2, with a third member of a group that both are in."""

    async def scenario(world: World) -> None:
        ann, bob, cat = await world.persons("ann", "bob", "cat")
        await world.befriend(ann, bob)
        await world.befriend(ann, cat)
        await world.group("trip", ann, bob, cat)
        await settle(world, within_s=600)
        await world.kill(bob)
        said = [await world.say(ann, "bob", f"word {number}") for number in range(5)]
        await world.until(lambda: all(held_by(ann, id) == ["cat"] for id in said), "cat keeps all of it")
        assert state(ann, said[0]) == "handed 1/1"
        await world.kill(ann)
        await world.restart(cat)
        await world.start(bob)
        await world.until(lambda: len(texts(bob, "ann")) == 5, "bob reads it")
        await world.pass_time(60)
        await world.kill(bob)
        await world.start(ann)
        await world.until(
            lambda: all(state(ann, id) == "delivered" for id in said), "bob's receipt comes back"
        )
        await world.start(bob)
        await settle(world, within_s=600)
        check(world)
        assert texts(bob, "ann") == [f"word {number}" for number in range(5)]

    simulate(seed, scenario)


def test_a_chosen_contact_keeps_messages_of_people_he_does_not_know(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.persons("ann", "bob", "cat")
        await world.befriend(bob, ann)
        await world.befriend(bob, cat)
        await bob.change("mailbox.use", s.UseMailbox(where="cat"))
        await world.until(
            lambda: ann.query("contact.show", s.Who(who="bob")).mailboxes == 1, "bob's card reaches ann"
        )
        await world.pass_time(30)
        await world.kill(bob)
        said = await world.say(ann, "bob", "we shall not meet")
        await world.until(lambda: len(held_by(ann, said)) == 1, "cat keeps it")
        await world.kill(ann)
        await world.start(bob)
        await world.until(lambda: texts(bob, "ann") == ["we shall not meet"], "bob reads it")

    simulate(seed, scenario)


def test_at_most_three_keep_a_message(seed: int) -> None:
    async def scenario(world: World) -> None:
        people = ann, bob, *others = await world.persons("ann", "bob", "cat", "dan", "eve", "fay")
        for other in (bob, *others):
            await world.befriend(ann, other)
        await world.group("trip", ann, bob, *others)
        await settle(world, within_s=600)
        await world.kill(bob)
        said = await world.say(ann, "bob", "where are you?")
        await world.until(lambda: len(held_by(ann, said)) == 3, "three keep it")
        await world.pass_time(300)
        assert len(held_by(ann, said)) == 3
        await world.start(bob)
        await settle(world, within_s=600)
        check(world)
        assert texts(bob, "ann") == ["where are you?"]
        assert len(people) == 6

    simulate(seed, scenario)
