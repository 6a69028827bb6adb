"""What is to be read once is forgotten a while after it was read, and not before."""

from __future__ import annotations

import pytest

from p2pchat.api import schema as s
from p2pchat.core import content
from p2pchat.core.ids import EntryId
from p2pchat.errors import UsageError
from p2pchat.store import logs
from p2pchat.testing.oracles import settle, texts
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.verdict import finish
from p2pchat.testing.world import World

DAY_S = 86_400


def is_kept(person: Person, id: str) -> bool:
    """Whether the words are still in the log."""
    entry = person.look(logs.get, EntryId.parse(id))
    return entry is not None and entry.body is not None


@pytest.mark.parametrize("chat", ["@ann", "#club"])
def test_a_text_vanishes_with_each_reader_after_it_was_read(seed: int, chat: str) -> None:
    async def scenario(world: World) -> None:
        ann, bob, cat = await world.found("ann", "bob", "cat")
        await settle(world)
        sent = await bob.change("message.send", s.Send(chat=chat, text="4711", once=True))
        await settle(world)
        world.leap(3 * DAY_S)  # it waits for being read
        await world.pass_time(10)
        (line,) = ann.query("message.unread", s.UnreadQuery(chat="@bob" if chat == "@ann" else chat)).messages
        assert (line.text, line.once, line.expires_ms) == ("4711", True, 0)
        listed = {one.chat: one for one in ann.query("chat.list", s.ChatQuery()).chats}
        assert "4711" not in listed["@bob" if chat == "@ann" else chat].last.text
        await ann.change("chat.read", s.ReadChat(chat="@bob" if chat == "@ann" else chat))
        read = ann.query("message.show", s.MessageId(id=sent.id))
        assert not read.once
        assert read.expires_ms > world.now_ms()
        await world.pass_time(content.ONCE_S + 10)
        assert "4711" not in texts(ann, "@bob" if chat == "@ann" else chat)
        assert not is_kept(ann, sent.id)
        assert "4711" in texts(bob, chat)  # with its author until the week is over
        assert is_kept(bob, sent.id)
        world.leap(5 * DAY_S)
        await world.pass_time(10)
        assert "4711" not in texts(bob, chat)
        assert not is_kept(bob, sent.id)
        if chat == "#club":  # she has not looked yet, so she still can
            assert "4711" in texts(cat, chat)
            await cat.change("chat.read", s.ReadChat(chat=chat))
            await world.pass_time(content.ONCE_S + 10)
        await finish(world)

    simulate(seed, scenario)


def test_what_is_urgent_is_told_so_and_neither_can_wait_for_its_time(seed: int) -> None:
    async def scenario(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await bob.change("message.send", s.Send(chat="@ann", text="now!", urgent=True))
        await settle(world)
        told = [
            one.data for one in ann.query("events.list", s.Since()).events if one.type == "message.received"
        ]
        assert [one["urgent"] for one in told if one["text"] == "now!"] == [True]
        for mark in ({"once": True}, {"urgent": True}):
            params = s.Schedule(chat="@ann", text="x", at_ms=world.now_ms() + 60_000, **mark)
            with pytest.raises(UsageError, match="later"):
                await bob.change("message.schedule", params)

    simulate(seed, scenario)
