"""Groups whose members are cut off from each other, away, at odds, or new."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.core.ids import EntryId
from p2pchat.errors import NotAllowedError
from p2pchat.store import logs
from p2pchat.store.transaction import Transaction
from p2pchat.testing.oracles import (
    check,
    group_id,
    same_members,
    settle,
    texts,
)
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400.0
GOSSIP_S = 600.0  # by which a payload may come late


def test_who_was_added_and_never_said_anything_can_be_removed(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.persons("ann", "bob", "cat")
        for other in (bob, cat):
            await world.befriend(ann, other)
        await world.group("club", ann, bob)
        await ann.change("group.add", s.GroupWho(group="club", who="cat"))
        await ann.change("group.remove", s.RemoveMember(group="club", who="cat"))
        await finish(world)
        names = {one.name for one in bob.query("group.show", s.GroupName(group="club")).members}
        assert names == {"ann", "bob"}

    simulate(seed, scenario)


def test_only_admins_may_write_where_they_say_so(seed: int) -> None:
    """A rule that is changed while members write: all show the same afterwards."""

    async def scenario(world: World) -> None:
        ann, bob, cat = people = await world.found("ann", "bob", "cat")
        world.partition([ann], [bob, cat])
        await ann.change("group.policy", s.SetPolicy(group="club", write="admin"))
        await world.say(bob, "#club", "may I?")
        world.heal()
        await settle(world)
        check(world)
        try:
            await world.say(cat, "#club", "and I?")
        except NotAllowedError:
            pass
        else:
            raise AssertionError("cat may write")
        same_members(people, group_id(ann, "club"))

    simulate(seed, scenario)


def test_what_is_said_about_a_message_before_its_key_comes_is_kept(seed: int) -> None:
    """The author is away, so who was away too gets the key later than the words about the message."""

    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        await world.say(cat, "#club", "hello")
        await settle(world)
        await world.kill(bob)
        ids = [await world.say(ann, "#club", f"text {number}") for number in range(3)]
        await settle(world)
        for id in ids:
            await cat.change("message.react", s.React(id=id, emoji="👍"))
        await cat.change("message.pin", s.Mark(id=ids[1]))
        await ann.change("message.edit", s.EditMessage(id=ids[0], text="first words"))
        await ann.change("message.edit", s.EditMessage(id=ids[0], text="better words"))
        await ann.change("message.delete", s.MessageId(id=ids[2]))
        await settle(world)
        await world.kill(ann)
        await world.start(bob)
        await settle(world)
        await world.start(ann)
        await settle(world)
        check(world)
        assert texts(bob, "#club")[1] == "better words"

    simulate(seed, scenario)


def test_what_was_edited_and_deleted_meanwhile_is_one_deleted_line(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, _ = await world.found("ann", "bob", "cat")
        await settle(world)
        await world.kill(bob)
        id = await world.say(ann, "#club", "teh")
        await ann.change("message.edit", s.EditMessage(id=id, text="the"))
        await settle(world)
        await ann.change("message.delete", s.MessageId(id=id))
        await settle(world)
        await world.start(bob)
        await settle(world)
        check(world)

    simulate(seed, scenario)


def test_a_message_that_comes_late_is_unread_though_later_ones_were_read(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        world.partition([ann], [bob, cat])
        late = await world.say(ann, "#club", "can anybody hear me?")
        await world.pass_time(60)
        await world.say(bob, "#club", "it is quiet")
        await world.until(lambda: cat.query("node.status").unread == 1, "one unread")
        page = cat.query("message.unread", s.UnreadQuery(chat="#club"))
        await cat.change("chat.read", s.ReadChat(chat="#club", upto=page.upto))
        world.heal()
        await settle(world)
        page = cat.query("message.unread", s.UnreadQuery(chat="#club"))
        assert [message.id for message in page.messages] == [late]
        assert cat.query("node.status").unread == 1

    simulate(seed, scenario)


def test_pins_set_on_both_sides_of_a_partition_end_alike(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.found("ann", "bob")
        id = await world.say(ann, "#club", "which?")
        await settle(world)
        world.partition([ann], [bob])
        await ann.change("message.pin", s.Mark(id=id))
        await bob.change("message.pin", s.Mark(id=id))
        await bob.change("message.pin", s.Mark(id=id, on=False))
        world.heal()
        await settle(world)
        check(world)

    simulate(seed, scenario)


def test_who_was_removed_while_away_is_told(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.found("ann", "bob")
        await settle(world)
        await world.kill(bob)
        await ann.change("group.remove", s.RemoveMember(group="club", who=bob.id.text))
        await world.start(bob)
        await world.pass_time(60)
        shown = bob.query("group.show", s.GroupName(group="club"))
        assert (shown.state, shown.ended) == ("removed", "removed by ann")
        assert world.now_ms() - shown.ended_ms < 120_000
        assert bob.query("message.history", s.History(chat="#club")).messages[-1].text == "removed you"
        with pytest.raises(NotAllowedError, match="removed"):
            await world.say(bob, "#club", "really?")

    simulate(seed, scenario)


def test_the_last_timer_counts_for_all_whatever_came_last(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.found("ann", "bob")
        world.partition([ann], [bob])
        await ann.change("chat.timer", s.ChatTimer(chat="#club", seconds=3600))
        await bob.change("chat.timer", s.ChatTimer(chat="#club", seconds=60))
        await bob.change("chat.timer", s.ChatTimer(chat="#club", seconds=86_400))
        world.heal()
        await settle(world)
        check(world)
        timers = {one.look(logs.conversation, group_id(one, "club")).timer_s for one in (ann, bob)}
        assert len(timers) == 1

    simulate(seed, scenario)


def test_a_delivery_to_who_was_removed_has_ended_and_goes_on_if_he_comes_back(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        await world.kill(cat)
        id = await world.say(ann, "#club", "where is cat?")
        await settle(world)

        def states() -> dict[str, str]:
            shown = ann.query("message.show", s.MessageId(id=id))
            return {one.name: one.state for one in shown.deliveries}

        assert states() == {"bob": "delivered", "cat": "queued"}
        await bob_is_admin_and_removes(ann, bob, cat, world)
        assert states() == {"bob": "delivered", "cat": "ended"}
        assert ann.query("message.show", s.MessageId(id=id)).state == "delivered"
        await world.start(cat)
        await world.pass_time(60)
        await world.invite("club", ann, cat)
        await settle(world)
        assert states() == {"bob": "delivered", "cat": "delivered"}

    async def bob_is_admin_and_removes(ann: Person, bob: Person, cat: Person, world: World) -> None:
        await ann.change("group.role", s.SetRole(group="club", role="admin", who=bob.id.text))
        await settle(world)
        await bob.change("group.remove", s.RemoveMember(group="club", who=cat.id.text))
        await settle(world)

    simulate(seed, scenario)


def test_words_that_a_carrier_left_out_are_fetched_from_another(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, _, cat = await world.found("ann", "bob", "cat")
        id = await world.say(ann, "#club", "in full")
        await settle(world)
        await world.kill(cat)

        def strip(tx: Transaction) -> None:
            tx.execute("UPDATE entry SET body = NULL WHERE id = ?", (EntryId.parse(id),))
            tx.execute("UPDATE message SET kind = 'missing', text = '?' WHERE id = ?", (EntryId.parse(id),))
            tx.execute("DELETE FROM event WHERE data ->> 'id' = ?", (id,))

        cat.database.transact(strip)
        await world.start(cat)
        await world.pass_time(120)
        assert texts(cat, "#club") == ["in full"]
        check(world)

    simulate(seed, scenario)


def test_every_member_can_look_over_the_whole_log_and_compare(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        await world.befriend(ann, dan := await world.person("dan"))
        await ann.change("group.add", s.GroupWho(group="club", who=dan.id.text))
        await settle(world)
        id = await world.say(bob, "#club", "is dan here?")
        await settle(world)
        assert dan.query("group.show", s.GroupName(group="club")).state == "invited"
        await dan.change("group.accept", s.GroupName(group="club"))
        await world.until(lambda: texts(dan, "#club") == ["is dan here?"], "dan reads", within_s=120)
        await settle(world)
        check(world)
        audits = [one.query("group.verify", s.GroupName(group="club")) for one in (ann, bob, cat, dan)]
        assert all(one.good and one == audits[0] for one in audits)
        log = bob.query("group.log", s.GroupName(group="club")).deeds
        assert [deed.words for deed in log][:1] == ["founded #club"]
        assert "added dan" in [deed.words for deed in log]
        assert all(deed.stands for deed in log)
        seen = cat.query("message.show", s.MessageId(id=id))
        assert (seen.members, seen.verdict, bool(seen.parents)) == (4, "kept", True)
        bob.database.transact(
            lambda tx: tx.execute("UPDATE entry SET signature = zeroblob(64) WHERE device = ?", (cat.device,))
        )
        spoilt = bob.query("group.verify", s.GroupName(group="club"))
        assert (spoilt.good, spoilt.unproven) == (False, 1)

    simulate(seed, scenario)
