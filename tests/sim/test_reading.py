"""Who is meant by a message of a group, and who has read up to where."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.ids import EntryId
from p2pchat.errors import UsageError
from p2pchat.node.features.group import group_reading
from p2pchat.store import events
from p2pchat.testing.oracles import settle
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World


async def club(world: World, *names: str) -> list[Person]:
    people = await world.persons(*names)
    for other in people[1:]:
        await world.befriend(people[0], other)
    await world.group("club", *people)
    await settle(world)
    return people


async def read(person: Person, upto: str | None = None) -> None:
    await person.change("chat.read", s.ReadChat(chat="#club", upto=upto))


def show(person: Person, id: str) -> s.Message:
    shown: s.Message = person.query("message.show", s.MessageId(id=id))
    return shown


def readers(person: Person, id: str) -> set[str]:
    return {one.name for one in show(person, id).deliveries if one.state == "read"}


def told_of(person: Person, id: str) -> list[bool]:
    """Whether the events that bring a message, or other words for it, say that it is for the person."""
    return [
        bool(event.data.get("mentions_me"))
        for event in person.look(events.after, 0, limit=10_000)
        if event.data.get("id") == id
        and event.type in ("message.received", "message.edited")
        and event.data.get("kind") != "sealed"
    ]


def test_who_is_mentioned_is_told_and_each_reads_his_own_names(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await club(world, "ann", "bob", "cat")
        await ann.change("contact.rename", s.Rename(who="bob", name="bobby"))
        said = await world.say(ann, "#club", "@bobby, bring the cake; not x@cat.org")
        sent = s.Send(chat="#club", text="you too", mention=["cat"])
        other = (await ann.change("message.send", sent)).id
        await settle(world)
        assert show(ann, said).text == "@bobby, bring the cake; not x@cat.org"
        assert show(bob, said).text == show(cat, said).text == "@bob, bring the cake; not x@cat.org"
        assert (show(bob, said).mentions_me, told_of(bob, said)) == (True, [True])
        assert (show(cat, said).mentions_me, told_of(cat, said)) == (False, [False])
        assert (show(cat, other).mentions_me, show(bob, other).mentions) == (True, ["cat"])
        await ann.change("message.edit", s.EditMessage(id=said, text="@cat, bring it"))
        await settle(world)
        assert (show(cat, said).mentions_me, told_of(cat, said)) == (True, [False, True])
        assert (show(bob, said).mentions_me, told_of(bob, said)) == (False, [True, False])
        try:
            await ann.change("message.send", s.Send(chat="bobby", text="x", mention=["cat"]))
            raise AssertionError("a mention in a private chat")
        except UsageError:
            pass
        await finish(world)

    simulate(seed, scenario)


def test_an_author_learns_who_has_read_up_to_where_however_they_were_cut_off(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat, dan = await club(world, "ann", "bob", "cat", "dan")
        first = await world.say(ann, "#club", "first")
        other = await world.say(bob, "#club", "other")
        await settle(world)
        await read(bob)
        await settle(world)
        assert (show(ann, first).state, readers(ann, first)) == ("read 1/3", {"bob"})
        await dan.change("settings.set", s.SetSettings(read_receipts=False))
        world.partition([ann], [bob, cat, dan])
        second = await world.say(ann, "#club", "second, which nobody has yet")
        for person in (cat, dan):
            await read(person)
        await world.pass_time(120)
        assert readers(ann, first) == {"bob"}, "he cannot know"
        assert show(bob, other).state == "read 1/3"
        world.heal()
        await settle(world)
        assert (show(ann, first).state, readers(ann, second)) == ("read 2/3", set())
        for person in (bob, cat, dan):
            await read(person)
        await finish(world)
        assert readers(ann, second) == {"bob", "cat"}
        assert show(ann, second).state == "read 2/3"

    simulate(seed, scenario)


def test_what_was_not_shown_or_could_not_be_read_is_not_called_read(seed: int) -> None:
    """An earlier message that comes later, or whose key does, is behind the reader's place."""

    async def scenario(world: World) -> None:
        ann, bob, _ = await club(world, "ann", "bob", "cat")
        early = await world.say(ann, "#club", "early")
        late = await world.say(ann, "#club", "late")
        await settle(world)

        def unread_or_sealed(column: str) -> None:
            bob.database.transact(
                lambda tx: tx.execute(f"UPDATE message SET {column} WHERE id = ?", (EntryId.parse(early),))
            )

        unread_or_sealed("kind = 'sealed', session = x'00'")
        await read(bob)
        await world.pass_time(60)
        assert readers(ann, early) == readers(ann, late) == set()
        unread_or_sealed("kind = 'text', session = NULL, seen = 0")
        await read(bob)
        await settle(world)
        assert readers(ann, early) == readers(ann, late) == {"bob"}

    simulate(seed, scenario)


def test_places_are_bounded_by_authors_not_by_messages_and_untold_in_large_groups(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, _ = await club(world, "ann", "bob", "cat")
        await world.kill(ann)
        ids = [await world.say(ann, "#club", f"text {number}") for number in range(5)]
        await world.start(ann)
        await settle(world)
        await world.kill(ann)
        await world.pass_time(20)  # by then bob has noticed, and seals nothing into a dead connection
        for id in ids:
            await read(bob, id)
        waiting = bob.look(lambda tx: tx.execute("SELECT device FROM outbox WHERE kind = 'group.read'"))
        assert waiting == [(ann.device,)]
        await world.start(ann)
        await settle(world)
        assert all(readers(ann, id) == {"bob"} for id in ids)
        last = await world.say(ann, "#club", "one more")
        await settle(world)
        most = group_reading.MAX_MEMBERS
        try:
            setattr(group_reading, "MAX_MEMBERS", 2)  # noqa: B010 - it is final to others
            await read(bob)
        finally:
            setattr(group_reading, "MAX_MEMBERS", most)  # noqa: B010
        await settle(world)
        assert readers(ann, last) == set()

    simulate(seed, scenario)
