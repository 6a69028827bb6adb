"""Typing notices reach who may know, are kept nowhere, and can be switched off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from p2pchat.api import schema as s
from p2pchat.core.direct.frames import encode_typing
from p2pchat.net import protocols
from p2pchat.node.effects import Passing
from p2pchat.node.typing_notices import EVERY_S, HEARD
from p2pchat.testing.person import Person
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

Scenario = Callable[[World, Person, Person], Awaitable[None]]


def between_contacts(scenario: Scenario) -> None:
    async def run(world: World) -> None:
        ann, bob = await world.persons("ann", "bob")
        await world.befriend(ann, bob)
        await world.pass_time(5)
        await scenario(world, ann, bob)

    simulate(1, run)


async def heard(world: World, person: Person, during: Callable[[], Awaitable[object]]) -> list[bool]:
    """The typing notices that reach a person's faces meanwhile."""
    assert person.node is not None
    with person.node.listeners.listen() as news:
        await during()
        await world.pass_time(2)
        found = []
        while True:
            try:
                one = news.receive_nowait()
            except trio.WouldBlock:
                return found
            if isinstance(one, Passing) and one.type == "chat.typing":
                found.append(one.data["typing"])


async def tell(person: Person, other: Person, *, typing: bool = True) -> bool:
    assert person.node is not None
    return await person.node.typing.tell(other.id, typing=typing)


def test_a_connected_contact_is_told_and_nothing_is_kept() -> None:
    async def scenario(world: World, ann: Person, bob: Person) -> None:
        async def types() -> None:
            assert await tell(ann, bob)
            assert not await tell(ann, bob), "told just now"
            await world.pass_time(EVERY_S)
            assert await tell(ann, bob)
            assert await tell(ann, bob, typing=False)
            assert not await tell(ann, bob, typing=False)

        cursor = bob.query("node.status").cursor
        assert await heard(world, bob, types) == [True, True, False]
        assert bob.query("node.status").cursor == cursor

    between_contacts(scenario)


def test_who_switched_it_off_neither_tells_nor_is_told() -> None:
    async def scenario(world: World, ann: Person, bob: Person) -> None:
        await bob.change("settings.set", s.SetSettings(typing=False))
        assert not await tell(bob, ann)
        assert await heard(world, bob, lambda: tell(ann, bob)) == []
        await bob.change("settings.set", s.SetSettings(typing=True))
        assert await heard(world, ann, lambda: tell(bob, ann)) == []  # he is counted as told
        await world.pass_time(EVERY_S)
        assert await heard(world, ann, lambda: tell(bob, ann)) == [True]

    between_contacts(scenario)


def test_no_receipt_goes_out_when_they_are_switched_off() -> None:
    async def scenario(world: World, ann: Person, bob: Person) -> None:
        for text, on, state in (("one", False, "delivered"), ("two", True, "read")):
            await bob.change("settings.set", s.SetSettings(read_receipts=on))
            id = await world.say(ann, "@bob", text)
            await world.pass_time(5)
            await bob.change("chat.read", s.ReadChat(chat="@ann"))
            await world.pass_time(5)
            assert ann.query("message.show", s.MessageId(id=id)).state == state

    between_contacts(scenario)


def test_nobody_but_accepted_contacts_is_told_or_heard() -> None:
    async def scenario(world: World, ann: Person, bob: Person) -> None:
        await ann.change("contact.block", s.Who(who="bob"))
        assert not await tell(ann, bob)
        assert await heard(world, ann, lambda: tell(bob, ann)) == []

    between_contacts(scenario)


def test_a_flood_of_notices_is_cut_off() -> None:
    async def scenario(world: World, ann: Person, bob: Person) -> None:
        assert bob.node is not None

        async def flood() -> None:
            for _ in range(40):
                stream = await bob.node.network.open_stream(
                    ann.device, protocols.TYPING, frame_limit=protocols.TYPING_FRAME_LIMIT
                )
                await stream.send([encode_typing(True)])
                await stream.close()

        rate, burst = HEARD
        before = trio.current_time()
        found = await heard(world, ann, flood)
        assert burst <= len(found) <= burst + rate * (trio.current_time() - before) + 1 < 40

    between_contacts(scenario)


def test_who_is_away_is_not_told() -> None:
    async def scenario(world: World, ann: Person, bob: Person) -> None:
        await world.kill(bob)
        await world.pass_time(60)
        assert not await tell(ann, bob)

    between_contacts(scenario)
