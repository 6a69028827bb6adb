"""People who are never on line together, and friends who keep what they write to each other meanwhile."""

from __future__ import annotations

import os
from collections import Counter

from p2pchat.api import schema as s
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.node.mailbox.client import at_mailbox
from p2pchat.node.mailbox.holder import LIMITS
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


async def leave(depositor: Person, holder: Person, owner: Person, *, sizes: list[int]) -> Counter[str]:
    """What becomes of rubbish that the node of `depositor` leaves with `holder` for `owner`, by hand."""
    assert depositor.node
    box, hour = owner.app.box_key.public, depositor.app.now_ms() // tags.HOUR_MS + 24
    outcomes: Counter[str] = Counter()
    async with at_mailbox(depositor.node.network, holder.device.text) as mailbox:
        for size in sizes:
            (answer,) = await mailbox.deposit([f.Deposit(box, hour, os.urandom(size))])
            outcomes[str(answer.reason) if isinstance(answer, f.Refused) else "held"] += 1
    return outcomes


async def circle(world: World, *names: str) -> list[Person]:
    """People of whom the first is everybody's contact, in one group."""
    people = await world.persons(*names)
    for other in people[1:]:
        await world.befriend(people[0], other)
    await world.group("trip", *people)
    await settle(world, within_s=900)
    return people


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


def test_one_friend_cannot_use_up_what_is_kept_for_another(seed: int) -> None:
    """Whoever fills what he may leave is refused, for everybody; what others leave is taken."""

    async def scenario(world: World) -> None:
        cat, ann, bob, dan, eve = await circle(world, "cat", "ann", "bob", "dan", "eve")
        await world.kill(bob, eve)
        large, most = 64 * 1024, LIMITS.depositor_size
        filled = await leave(ann, cat, bob, sizes=most // large * [large] + 4 * [1024])
        assert filled == {"held": most // large, "quota": 4}
        await world.restart(cat)  # who has left what is on the disk
        await world.pass_time(60)
        assert await leave(ann, cat, eve, sizes=[1024]) == {"quota": 1}
        assert await leave(dan, cat, bob, sizes=[large, 1024]) == {"held": 2}
        await world.start(bob)
        await world.pass_time(60)  # he collects it, and drops it as rubbish
        assert await leave(ann, cat, eve, sizes=[1024]) == {"held": 1}

    simulate(seed, scenario)


def test_friends_together_use_no_more_disk_than_they_are_given(seed: int) -> None:
    async def scenario(world: World) -> None:
        cat, ann, bob, dan, eve = await circle(world, "cat", "ann", "bob", "dan", "eve")
        await cat.change("settings.set", s.SetSettings(holding_megabytes=1))
        await world.kill(bob)
        large = 64 * 1024
        outcomes = Counter[str]()
        for one in (ann, dan, eve):
            outcomes += await leave(one, cat, bob, sizes=7 * [large])
        assert outcomes == {"held": 1_000_000 // large, "full": 21 - 1_000_000 // large}
        files = [path for path in cat.app.home.directory.iterdir() if path.name.startswith("held.db")]
        assert 0 < sum(path.stat().st_size for path in files) < 2 * 1_200_000  # the file and its WAL

    simulate(seed, scenario)


def test_who_refuses_keeps_nothing_new_and_gives_out_what_he_has(seed: int) -> None:
    async def scenario(world: World) -> None:
        cat, ann, bob = await circle(world, "cat", "ann", "bob")
        await world.befriend(ann, bob)
        await world.kill(bob)
        first = await world.say(ann, "bob", "kept before")
        await world.until(lambda: held_by(ann, first) == ["cat"], "cat keeps it")
        await cat.change("settings.set", s.SetSettings(holding_megabytes=0))
        second = await world.say(ann, "bob", "not kept")

        def reason() -> str:
            shown = ann.query("message.show", s.MessageId(id=second))
            return str(shown.deliveries[0].reason)

        await world.until(lambda: reason() == "closed", "cat refuses")
        await world.restart(cat)
        await world.pass_time(120)
        assert (state(ann, second), held_by(ann, second)) == ("queued", [])
        assert await leave(ann, cat, bob, sizes=[1024]) == {"closed": 1}
        await world.kill(ann)
        await world.start(bob)
        await world.until(lambda: texts(bob, "ann") == ["kept before"], "bob gets what cat had")
        await cat.change("settings.set", s.SetSettings(holding_megabytes=64))
        await world.start(ann)
        await settle(world, within_s=900)
        check(world)
        assert texts(bob, "ann") == ["kept before", "not kept"]

    simulate(seed, scenario)


def test_those_who_refuse_are_passed_over(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, *others = await circle(world, "ann", "bob", "cat", "dan", "eve", "fay", "gil")
        refusing, willing = others[:2], {other.name for other in others[2:]}
        for other in refusing:
            await other.change("settings.set", s.SetSettings(holding_megabytes=0))
        await world.kill(bob)
        said = await world.say(ann, "bob", "whoever will")
        await world.until(lambda: set(held_by(ann, said)) == willing, "all the others keep it")
        await world.start(bob)
        await settle(world, within_s=900)
        check(world)
        assert texts(bob, "ann") == ["whoever will"]

    simulate(seed, scenario)
