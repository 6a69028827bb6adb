"""What a mailbox keeps, for whom, and what it does not let others do."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
import trio

from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.frames import Reason
from p2pchat.core.mailbox.limits import MailboxLimits
from p2pchat.core.mailbox.sealing import parcel_id
from p2pchat.errors import NetworkError
from p2pchat.node.mailbox import server, slots
from p2pchat.node.mailbox.client import RefusedError
from p2pchat.store.holding import boxes, parcels

SMALL = MailboxLimits(box_bits=4, stranger_bits=8, box_parcels=3, stranger_parcels=2)


def reasons(answers: list[f.Held | f.Refused]) -> list[str]:
    return [answer.reason if isinstance(answer, f.Refused) else "held" for answer in answers]


# --- the way it should go ---------------------------------------------------------------------------


async def test_what_a_contact_leaves_is_collected_once_in_order(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    left = [owner.parcel(bytes([n])) for n in range(1, 6)]
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
    async with world.at() as client:
        assert reasons(await client.deposit([owner.deposit(one) for one in left])) == 5 * ["held"]
    async with world.at() as client:
        assert (await owner.visit(client)).parcels == 5
        assert await client.fetch(wait=False) == (left, False)
        await client.taken(left[:3])
        assert await client.fetch(wait=False) == (left[3:], False)
        await client.taken(left)
        assert (await owner.visit(client)).size == 0


async def test_a_deposit_that_is_repeated_is_held_once(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        deposit = owner.deposit()
        assert reasons(await client.deposit([deposit, deposit])) == ["held", "held"]
        assert reasons(await client.deposit([deposit])) == ["held"]
        assert (await owner.visit(client)).parcels == 1


async def test_what_is_held_is_there_after_a_crash(new_world: Any, new_owner: Any) -> None:
    async with new_world() as world:
        owner = new_owner(world)
        async with world.at() as client:
            await owner.visit(client)
            await owner.admit(client)
            parcel = owner.parcel()
            assert reasons(await client.deposit([owner.deposit(parcel)])) == ["held"]
    async with new_world() as world:  # nothing was written at the end that was not written before
        async with world.at() as client:
            await owner.visit(client)
            assert await client.fetch(wait=False) == ([parcel], False)
        assert world.server.state.used == len(parcel) + (tags.AHEAD + 2) * boxes.TAG_BYTES


async def test_a_waiting_owner_is_told_at_once(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client, world.at() as other, trio.open_nursery() as nursery:
        await owner.visit(client)
        await owner.admit(client)
        found: list[bytes] = []

        async def wait() -> None:
            found.extend((await client.fetch(wait=True))[0])

        nursery.start_soon(wait)
        await trio.sleep(0.1)
        parcel = owner.parcel()
        await other.deposit([owner.deposit(parcel)])
    assert found == [parcel]


async def test_who_waits_in_vain_looks_no_oftener_than_something_comes(
    world: Any, new_owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two wait at one box and only one gets what comes: the other goes to sleep again."""
    owner = new_owner(world)
    looks = 0
    oldest = parcels.oldest

    def counted(*args: Any, **named: Any) -> Any:
        nonlocal looks
        looks += 1
        return oldest(*args, **named) if looks <= 3 else ([], False)  # the first has taken it

    monkeypatch.setattr(server, "WAIT_S", 2.0)
    monkeypatch.setattr(parcels, "oldest", counted)
    async with world.at() as first, world.at() as second, world.at() as other:
        for client in (first, second):
            await owner.visit(client)
        await owner.admit(first)
        async with trio.open_nursery() as nursery:
            for client in (first, second):
                nursery.start_soon(lambda one=client: one.fetch(wait=True))  # type: ignore[misc]
            while looks < 2:  # noqa: ASYNC110
                await trio.sleep(0.01)
            await other.deposit([owner.deposit()])
    assert looks <= 5  # at first, when something came, and once more at the end
    assert not world.server.state._bells


async def test_a_pass_is_good_from_the_day_before_to_the_day_after(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        today = world.today()
        days = range(today - 1, today + 4)
        answers = await client.deposit([owner.deposit(day=day) for day in days])
        assert reasons(answers) == ["held", "held", "held", "unknown", "unknown"]


async def test_a_parcel_goes_when_its_time_is_over(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        await client.deposit([owner.deposit(days=1), owner.deposit(days=3)])
        world.now_ms += 2 * tags.DAY_MS
        await world.server.sweep()
        assert (await owner.visit(client)).parcels == 1
        world.now_ms += 99 * tags.DAY_MS
        await world.server.sweep()
    assert (world.server.state.sums.boxes, world.server.state.used) == (
        0,
        0,
    )  # the owner has not come for long


async def test_an_owner_may_have_his_box_forgotten(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        await client.deposit([owner.deposit()])
        await client.leave()
        assert reasons(await client.deposit([owner.deposit()])) == ["unknown"]
    assert world.server.state.used == 0


async def test_who_came_before_the_box_was_opened_may_come_again_soon(world: Any, new_owner: Any) -> None:
    """A new box costs its owner work: his contact's first message can be there before it."""
    owner = new_owner(world)
    async with world.at() as client:
        (refused,) = await client.deposit([owner.deposit()])
        assert (refused.reason.value, refused.retry_s <= 600) == ("unknown", True)
        await owner.visit(client)
        await owner.admit(client)
        assert reasons(await client.deposit([owner.deposit()])) == ["held"]


# --- what others try --------------------------------------------------------------------------------


async def test_a_stranger_cannot_read_delete_or_enumerate(world: Any, new_owner: Any) -> None:
    owner, thief = new_owner(world), new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        parcel = owner.parcel()
        await client.deposit([owner.deposit(parcel)])
    async with world.at() as client:  # who has visited no box
        for act in (client.fetch(wait=False), client.taken([parcel]), client.leave(), thief.admit(client)):
            with pytest.raises(RefusedError, match="stranger"):
                await act
    async with world.at() as client:  # who has visited his own
        await thief.visit(client)
        assert await client.fetch(wait=False) == ([], False)
        await client.taken([parcel])
        await client.leave()
    async with world.at() as client:
        await owner.visit(client)
        assert await client.fetch(wait=False) == ([parcel], False)


async def test_a_box_opens_to_its_key_alone(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
    async with world.at() as client:
        forged = f.Visit(owner.box.public, SigningKey(b"t" * 32).sign("mailbox visit", b"x"))
        overheard = f.Visit.sign(owner.box, b"c" * 32, world.mailbox.device)  # of another stream
        for visit in (forged, overheard):
            await client._ask([visit])
            with pytest.raises(RefusedError, match="stranger"):
                await client._answer(f.Box)


async def test_without_a_pass_nothing_is_taken(world: Any, new_owner: Any) -> None:
    owner, other = new_owner(world), new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        tag = tags.tag_of(owner.pass_on(world.today()))  # what a thief of the mailbox's disk knows
        stolen = replace(owner.deposit(), address=tag)
        assert reasons(await client.deposit([other.deposit(), stolen])) == ["unknown", "unknown"]


async def test_who_is_no_contact_any_more_is_refused(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        assert reasons(await client.deposit([owner.deposit()])) == ["held"]
        await client.admit([f.Admit(world.today(), ())])
        assert reasons(await client.deposit([owner.deposit()])) == ["unknown"]


async def test_a_stranger_works_for_each_parcel(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        parcel, other = owner.parcel(), owner.parcel()
        bare = f.Deposit(owner.box.public, world.hour(), parcel)
        assert reasons(await client.deposit([bare])) == ["work"]
        stamp = await client.work(
            "parcel", owner.box.public, world.today(), client.terms.bits, parcel_id(parcel)
        )
        stamped = replace(bare, stamp=stamp)
        assert reasons(await client.deposit([stamped, stamped])) == ["held", "held"]
        assert reasons(await client.deposit([replace(stamped, parcel=other)])) == ["work"]
        assert (await owner.visit(client)).stranger_parcels == 1


async def test_strangers_who_fill_a_box_leave_room_for_contacts(new_world: Any, new_owner: Any) -> None:
    async with new_world(SMALL) as world, world.at() as client:
        owner = new_owner(world)
        await owner.visit(client)
        await owner.admit(client)
        outcomes = []
        for number in range(4):
            parcel = owner.parcel(bytes([number]))
            stamp = await client.work(
                "parcel", owner.box.public, world.today(), client.terms.bits, parcel_id(parcel)
            )
            outcomes += reasons(
                await client.deposit([f.Deposit(owner.box.public, world.hour(), parcel, stamp)])
            )
        assert outcomes == ["held", "held", "box-full", "box-full"]
        assert reasons(await client.deposit([owner.deposit()])) == ["held"]
        box = await owner.visit(client)
        assert (box.parcels, box.stranger_parcels, box.most_stranger_parcels) == (1, 2, 2)


async def test_a_contact_cannot_exceed_the_quota_of_a_box(new_world: Any, new_owner: Any) -> None:
    async with new_world(SMALL) as world, world.at() as client:
        owner = new_owner(world)
        await owner.visit(client)
        await owner.admit(client)
        answers = await client.deposit([owner.deposit() for _ in range(9)])
        assert reasons(answers) == 3 * ["held"] + 6 * ["box-full"]


async def test_the_disk_of_all_boxes_together_is_bounded(new_world: Any, new_owner: Any) -> None:
    async with new_world(replace(SMALL, box_parcels=999, size=20_000)) as world, world.at() as client:
        owners = [new_owner(world) for _ in range(3)]
        held = 0
        for owner in owners:
            await owner.visit(client)
            await owner.admit(client, ahead=0)
        for owner in owners:
            answers = reasons(await client.deposit([owner.deposit() for _ in range(30)]))
            assert set(answers) <= {"held", "full"}
            held += answers.count("held")
        assert held == (20_000 - 3 * 2 * boxes.TAG_BYTES) // 1024
        assert world.server.state.used <= 20_000
        before = world.path.stat().st_size + world.path.with_name("mailbox.db-wal").stat().st_size
        assert reasons(await client.deposit([owners[0].deposit() for _ in range(50)])) == 50 * ["full"]
        after = world.path.stat().st_size + world.path.with_name("mailbox.db-wal").stat().st_size
        assert after == before  # a refusal writes nothing


async def test_an_owner_cannot_fill_the_disk_with_tags(new_world: Any, new_owner: Any) -> None:
    limits = replace(SMALL, box_tags=1000, size=2 * f.MAX_TAGS * boxes.TAG_BYTES)
    async with new_world(limits) as world:
        refused = []
        for number in range(4):
            async with world.at() as client:
                await new_owner(world).visit(client)
                try:
                    for day in range(world.today() - 1, world.today() + tags.AHEAD):
                        names = [b"%d %d %d" % (number, day, i) for i in range(f.MAX_TAGS)]
                        await client.admit([f.Admit(day, tuple(name.ljust(32) for name in names))])
                except RefusedError as error:
                    refused.append(str(error.answer.reason))
        assert refused == ["box-full", "box-full", "full", "full"]
        assert world.server.state.used <= limits.size
        assert world.path.stat().st_size <= 1.5 * limits.size


async def test_a_full_disk_is_refused_politely(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        first = owner.parcel()
        await client.deposit([owner.deposit(first)])
        connection = world.database._connection
        pages = connection.pragma("page_count")
        connection.pragma("max_page_count", pages)  # SQLite finds the disk full
        answers = reasons(await client.deposit([owner.deposit(owner.parcel(bytes(15_000)))]))
        assert answers == ["full"]
        assert (await client.fetch(wait=False))[0] == [first]
        connection.pragma("max_page_count", 1_000_000)
        assert reasons(await client.deposit([owner.deposit()])) == ["held"]
    assert world.server.state.used == (await world.server._store.read(boxes.sums)).size


async def test_a_neighbourhood_that_asks_too_fast_is_put_off(new_world: Any, new_owner: Any) -> None:
    async with new_world(replace(SMALL, deposits_per_second=1)) as world, world.at() as client:
        owner = new_owner(world)
        answers = reasons(await client.deposit([owner.deposit() for _ in range(30)]))
        assert answers[:10] == 10 * ["unknown"]
        assert answers[-10:] == 10 * ["busy"]


async def test_an_owner_who_writes_without_end_is_put_off(new_world: Any, new_owner: Any) -> None:
    async with new_world(replace(SMALL, deposits_per_second=1)) as world, world.at() as client:
        await new_owner(world).visit(client)
        admitted = 0

        async def write_on() -> None:
            nonlocal admitted
            for number in range(100):
                await client.admit([f.Admit(world.today(), (number.to_bytes(32, "big"),))])
                admitted += 1

        with pytest.raises(RefusedError, match="busy"):
            await write_on()
        assert 5 <= admitted < 50


async def test_a_parcel_cannot_be_left_for_ever(world: Any, new_owner: Any) -> None:
    owner = new_owner(world)
    async with world.at() as client:
        await owner.visit(client)
        await owner.admit(client)
        answers = await client.deposit([owner.deposit(days=32), owner.deposit(days=0)])
        assert reasons(answers) == ["expires", "expires"]


async def test_new_boxes_cost_work_or_the_operators_token(new_world: Any, new_owner: Any) -> None:
    async with new_world() as world, world.at() as client:
        owner = new_owner(world)
        await client._ask([f.Visit.sign(owner.box, client.terms.challenge, client.device)])
        with pytest.raises(RefusedError, match="work"):
            await client._answer(f.Box)
        world.server.state.limits = replace(SMALL, token="sesame")
        with pytest.raises(RefusedError, match="closed"):
            await owner.visit(client)
        await owner.visit(client, "sesame")
        await owner.visit(client)  # it is his by now
        world.server.state.limits = replace(SMALL, boxes=1)
        with pytest.raises(RefusedError, match="closed"):
            await new_owner(world).visit(client)


async def test_who_reads_nothing_of_what_he_fetches_fills_no_memory(
    world: Any, new_owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = new_owner(world)
    answers = 0
    oldest = parcels.oldest

    def counted(*args: Any, **named: Any) -> Any:
        nonlocal answers
        answers += 1
        found, more = oldest(*args, **named)
        assert sum(map(len, found)) <= slots.ANSWER_SIZE
        return found, more

    monkeypatch.setattr(parcels, "oldest", counted)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(world.at()) for _ in range(2 * slots.RANGE_ANSWERS)]
        await owner.visit(clients[0])
        await owner.admit(clients[0])
        await clients[0].deposit([owner.deposit(owner.parcel(os.urandom(60_000))) for _ in range(8)])
        for client in clients[1:]:
            await owner.visit(client)
        for client in clients:
            await client._ask([f.Fetch(f.MAX_FETCH, False)])
        while answers < slots.RANGE_ANSWERS:  # noqa: ASYNC110
            await trio.sleep(0.01)
        await trio.sleep(0.5)
        assert answers == slots.RANGE_ANSWERS
        for client in clients:  # who reads at last gets everything
            found: list[bytes] = []
            while not isinstance(answer := await client._next(20), f.End):
                assert isinstance(answer, f.Kept)
                found.append(answer.sealed)
            assert len(found) == slots.ANSWER_SIZE // (64 * 1024)
    assert not world.server._slots._ranges


async def test_a_malformed_frame_ends_the_stream(world: Any) -> None:
    async with world.at() as client:
        await client._stream.send([b"\x00"])
        with pytest.raises(NetworkError):
            await client._answer(f.Done)
    assert world.mailbox.state().counters["dropped.protocol_error"] == 1


def test_reasons_are_told_apart() -> None:
    assert len({str(reason) for reason in Reason}) == len(Reason)
