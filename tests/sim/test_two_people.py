"""Two people whose nodes are away, killed, cut off and plagued by a bad network."""

from __future__ import annotations

from contextlib import suppress

from p2pchat.api import schema as s
from p2pchat.errors import StoreError
from p2pchat.store import outbox
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.oracles import restart_changes_nothing, settle, texts
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

FLAPPING_S = (5.0, 20.0)  # up, down


def test_what_two_write_while_the_other_is_off_arrives_once_both_are_on(seed: int) -> None:
    """Scenario 2."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await world.kill(bob)
        await world.say(ann, "bob", "are you there?")
        await world.pass_time(world.chances.uniform(0, 300))
        (message,) = ann.query("message.history", s.History(chat="bob")).messages
        assert message.state == "queued"
        await world.kill(ann)
        await world.start(bob)
        await world.say(bob, "ann", "I am here")
        await world.pass_time(world.chances.uniform(0, 3000))
        await world.start(ann)
        await settle(world, within_s=300)
        await finish(world)
        assert set(texts(ann, "bob")) == set(texts(bob, "ann")) == {"are you there?", "I am here"}
        assert texts(ann, "bob") == texts(bob, "ann")

    simulate(seed, scenario)


def test_a_node_killed_behind_any_commit_loses_nothing_and_repeats_nothing(seed: int) -> None:
    """Scenarios 3 and 13: the power goes after a commit and before whatever follows it."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        said = []
        for number in range(12):
            author, reader, victim = (*world.chances.sample([ann, bob], 2), world.chances.choice([ann, bob]))
            if author is victim:
                await world.kill(author)
            elif victim.fuse:
                victim.fuse.blow_after(world.chances.randint(1, 6))
            said.append(f"message {number}")
            await world.say(author, reader.name, said[-1])
            if author is victim:
                await world.start(author)
                author.fuse.blow_after(world.chances.randint(1, 6))
            await world.pass_time(world.chances.uniform(0, 20))
            await world.restart(victim)
        await settle(world, within_s=600)
        await finish(world)
        assert sorted(texts(ann, "bob")) == sorted(texts(bob, "ann")) == sorted(said)
        await restart_changes_nothing(world, ann, bob)

    simulate(seed, scenario)


def test_a_node_that_was_killed_and_is_back_is_given_what_waits_at_once(seed: int) -> None:
    """The other's courier, whose stream broke with the node, does not sleep through its return."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        for number in range(3):
            await world.say(ann, "bob", f"before {number}")
            await settle(world)
            await world.kill(bob)
            await world.say(ann, "bob", f"meanwhile {number}")
            await world.start(bob)
            await world.pass_time(0.5)
            assert texts(bob, "ann")[-1] == f"meanwhile {number}"
        await finish(world)

    simulate(seed, scenario, Conditions(notice_s=(0.0, 0.01)))


def test_a_text_is_sealed_in_the_commit_that_stores_it_once_its_courier_is_idle(seed: int) -> None:
    """One commit before it goes out; should the power go right behind that, the same bytes go out later."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await world.say(ann, "bob", "first")
        await settle(world)
        await world.say(ann, "bob", "second")
        sealed = ann.look(outbox.envelopes, bob.device, limit=9, skip=frozenset())
        assert (len(sealed), ann.look(outbox.unsealed, bob.device, limit=9)) == (1, [])
        await settle(world)
        assert ann.fuse
        ann.fuse.blow_after(1)
        with suppress(StoreError):
            await world.say(ann, "bob", "third")
        sealed = ann.look(outbox.envelopes, bob.device, limit=9, skip=frozenset())
        assert len(sealed) == 1
        await world.restart(ann)
        assert ann.look(outbox.envelopes, bob.device, limit=9, skip=frozenset()) == sealed
        await settle(world)
        await world.kill(bob)
        await world.pass_time(world.net.conditions.notice_s[1])
        await world.say(ann, "bob", "fourth")
        assert len(ann.look(outbox.unsealed, bob.device, limit=9)) == 1
        await world.start(bob)
        await settle(world, within_s=600)
        await finish(world)
        assert texts(bob, "ann") == ["first", "second", "third", "fourth"]

    simulate(seed, scenario)


def test_what_was_refused_arrives_as_soon_as_it_is_asked_for_again(seed: int) -> None:
    """Without waiting for the pause after which the node tries by itself."""

    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await bob.change("contact.block", s.Who(who="ann"))
        await world.say(ann, "bob", "do you hear me?")
        await world.pass_time(60)
        (message,) = ann.query("message.history", s.History(chat="bob")).messages
        assert message.state == "failed"
        await bob.change("contact.unblock", s.Who(who="ann"))
        await world.pass_time(60)
        assert texts(bob, "ann") == []
        await ann.change("message.retry", s.MessageId(id=message.id))
        await world.pass_time(30)
        assert texts(bob, "ann") == ["do you hear me?"]
        await settle(world)
        await finish(world)

    simulate(seed, scenario)


def test_what_was_refused_arrives_as_soon_as_who_removed_me_asks_again(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await bob.change("contact.remove", s.RemoveContact(who="ann"))
        await world.say(ann, "bob", "do you hear me?")
        await world.pass_time(60)
        assert texts(bob, "ann") == []
        link = (await ann.change("invite.create", s.Nothing())).link
        await bob.change("contact.add", s.AddContact(link=link))
        await world.pass_time(60)
        assert texts(bob, "ann") == ["do you hear me?"]
        await settle(world)
        await finish(world)

    simulate(seed, scenario)
