"""Announcements: only admins write, and up to thousands read."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.core.direct import items
from p2pchat.core.ids import GroupId
from p2pchat.core.sync.session import SyncSession
from p2pchat.errors import NotAllowedError
from p2pchat.node import group_sync
from p2pchat.node.features.group import group_log, group_messages, group_views
from p2pchat.store import people as persons
from p2pchat.store.reconcile import StoredLog
from p2pchat.testing.large import large_group
from p2pchat.testing.oracles import texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

FAN_OUT = 8  # readers who get the log from one reader
NEWS = ["first", "second", "third"]


def reconcile(one: Person, other: Person, group: GroupId) -> None:
    """Both sides of a round, frame by frame."""
    sides = [(person, SyncSession(group, initiator=person is one)) for person in (one, other)]
    one.look(lambda tx: sides[0][1].start(StoredLog(tx, group)))
    silent = 0
    while silent < 2:
        (sender, session), (receiver, answering) = sides
        frame = sender.look(lambda tx, it=session: it.next_frame(StoredLog(tx, group)))
        silent = 0 if frame else silent + 1
        if frame:
            receiver.database.transact(
                lambda tx, me=receiver, it=answering, raw=frame: group_log.take_entries(
                    me.app, tx, group, it.receive(raw, StoredLog(tx, group))
                )
            )
        sides.reverse()


@pytest.mark.parametrize("readers", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_readers_hand_announcements_on_and_none_of_them_can_make_one(readers: int) -> None:
    """Every reader's own store, the first eight beside the admin and all others beside a reader."""

    async def scenario(world: World) -> None:
        channel = large_group(world, "news", readers + 1, write="admin")
        admin, *others = channel.people
        for text in NEWS:
            await admin.change("message.send", s.Send(chat="#news", text=text))
        for number, reader in enumerate(others):
            reconcile(channel.people[number // FAN_OUT], reader, channel.id)
            sealed = [text for text in texts(reader, "#news") if text in NEWS]
            assert sealed == [], "he has no key yet"
            ((key,),) = admin.look(
                lambda tx, to=reader.device: tx.execute(
                    "SELECT payload FROM outbox WHERE device = ? AND kind = ?", (to, items.GROUP_KEY)
                )
            )
            author = reader.look(persons.device, admin.device)
            reader.database.transact(
                lambda tx, me=reader, by=author, raw=key: group_messages.take_key(me.app, tx, by, raw)
            )
            assert texts(reader, "#news") == NEWS
        assert channel.lagging() == 0
        liar, honest = others[-1], others[-2]
        try:
            await liar.change("message.send", s.Send(chat="#news", text="me too"))
            raise AssertionError("a reader writes")
        except NotAllowedError:
            pass
        liar.database.transact(
            lambda tx: group_views.write(liar.app, tx, channel.id, group_messages.KIND, b"rubbish")
        )
        reconcile(liar, honest, channel.id)
        assert texts(honest, "#news") == NEWS
        assert honest.look(lambda tx: StoredLog(tx, channel.id).state().count) == readers + 2 + len(NEWS)

    simulate(1, scenario)


def test_a_large_group_is_level_after_a_partition_and_a_message_costs_no_square() -> None:
    """Real nodes, all connected, each of which compares its log with a few others and not with all."""

    async def scenario(world: World) -> None:
        size = 4 * group_sync.COMPANIONS + 2
        club = large_group(world, "club", size)
        for person in club.people:
            await world.start(person)
        await world.pass_time(30)
        island = world.chances.sample(club.people, size // 2)
        world.partition(island)
        for person in world.chances.sample(club.people, 6):
            await world.say(person, "#club", f"{person}")
        await world.pass_time(30)
        world.heal()
        await world.until(lambda: club.lagging() == 0, "all have all", within_s=600)
        await world.pass_time(300)  # all are connected again, and rounds have become rare
        before = world.net.frames.total()
        last = await world.say(club.people[0], "#club", "last")
        await world.pass_time(5)
        assert world.net.frames.total() - before < size * (2 * group_sync.COMPANIONS + 4)
        delivered = club.people[0].query("message.show", s.MessageId(id=last)).state
        assert delivered == "delivered"
        assert len({tuple(texts(person, "#club")) for person in club.people}) == 1
        assert len(texts(club.people[0], "#club")) == 7

    simulate(1, scenario)
