"""Early entries come out in order, and nobody can fill the buffer for the others."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pchat.core.ids import EntryId
from p2pchat.core.log.buffer import CausalBuffer
from p2pchat.core.log.chain import Fits, Missing


def deliver(log, buffer, entry):
    """What a node does with an entry that arrives."""
    where = log.take(entry)
    if isinstance(where, Missing):
        buffer.hold(entry, where.ids)
    elif isinstance(where, Fits):
        for freed in buffer.release(entry.id):
            deliver(log, buffer, freed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(12)))
def test_any_order_of_arrival_gives_the_whole_log(writer, log, order):
    log.entries.clear()
    buffer = CausalBuffer()
    ann, bob = writer("ann"), writer("bob")
    entries = []
    for i in range(6):
        entries.append(ann.write(str(i), *entries[-2:]))
        entries.append(bob.write(str(i), *entries[-3:]))
    for i in order:
        deliver(log, buffer, entries[i])
    assert set(log.entries) == {entry.id for entry in entries}
    assert len(buffer) == 0
    assert buffer.wanted() == frozenset()


def test_what_is_waited_for_can_be_asked_for(writer):
    ann = writer("ann")
    first, second, third = (ann.write(str(i)) for i in range(3))
    buffer = CausalBuffer()
    buffer.hold(third, [second.id])
    assert buffer.wanted() == {second.id}
    buffer.hold(second, [first.id])
    assert buffer.wanted() == {first.id}
    assert list(buffer) == [second, third]


def test_an_entry_held_twice_waits_once(writer):
    ann = writer("ann")
    first, second = ann.write("1"), ann.write("2")
    buffer = CausalBuffer()
    buffer.hold(second, [first.id])
    buffer.hold(second, [first.id])
    assert len(buffer) == 1
    assert buffer.release(first.id) == [second]
    assert buffer.release(first.id) == []


def test_an_author_with_too_many_pushes_out_his_own_newest(writer):
    ann, bob = writer("ann"), writer("bob")
    bob.write("first")
    waiting = bob.write("second")
    ann.write("first")
    flood = [ann.write(str(i)) for i in range(5)]
    buffer = CausalBuffer(per_author=3, total=100)
    buffer.hold(waiting, [waiting.header.prev])
    pushed_out = [id for entry in flood for id in buffer.hold(entry, [entry.header.prev])]
    assert pushed_out == [flood[3].id, flood[4].id]
    assert list(buffer) == [waiting, *flood[:3]]


def test_a_full_buffer_pushes_out_of_the_author_that_has_most(writer):
    ann, bob = writer("ann"), writer("bob")
    ann.write("first")
    bob.write("first")
    mine, theirs = [ann.write(str(i)) for i in range(4)], bob.write("second")
    room = sum(len(entry.raw_header) + len(entry.body) for entry in mine)
    by_count, by_size = CausalBuffer(total=4), CausalBuffer(size_bytes=room)
    for buffer in (by_count, by_size):
        for entry in mine:
            buffer.hold(entry, [entry.header.prev])
        pushed_out = buffer.hold(theirs, [theirs.header.prev])
        assert mine[-1].id in pushed_out
        assert theirs in list(buffer)


def test_a_pushed_out_entry_is_not_released(writer):
    ann = writer("ann")
    entries = [ann.write(str(i)) for i in range(4)]
    buffer = CausalBuffer(per_author=1)
    missing = EntryId(b"m" * 32)
    for entry in entries:
        buffer.hold(entry, [missing])
    assert buffer.release(missing) == entries[:1]
    assert len(buffer) == 0
