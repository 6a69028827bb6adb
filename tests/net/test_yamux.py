"""Our yamux: two ends that agree, and one end against a hostile other."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import trio
import trio.lowlevel
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.stream_muxer.exceptions import (
    MuxedConnUnavailable,
    MuxedStreamClosed,
    MuxedStreamEOF,
    MuxedStreamError,
    MuxedStreamReset,
)

from p2pchat.core.ids import DeviceId
from p2pchat.errors import ProtocolError
from p2pchat.net.config import Limits
from p2pchat.net.guard import Guard
from p2pchat.net.peers import peer_id_of
from p2pchat.net.yamux import wire
from p2pchat.net.yamux.connection import YamuxConnection

PEER = DeviceId(b"\x07" * 32)
MIB = 1024 * 1024


class Secured:
    """One end of a connection in memory, as libp2p's secure sessions look."""

    def __init__(self, incoming, outgoing, is_initiator):
        self.incoming, self.outgoing, self.is_initiator = incoming, outgoing, is_initiator

    async def read(self):
        try:
            return await self.incoming.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise ConnectionClosedError("closed") from None

    async def write(self, data):
        try:
            await self.outgoing.send(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionClosedError("closed") from None

    async def close(self):
        self.incoming.close()
        self.outgoing.close()

    def get_remote_address(self):
        return "192.0.2.7", 4001


def secured_pair():
    to_b, at_b = trio.open_memory_channel[bytes](4)
    to_a, at_a = trio.open_memory_channel[bytes](4)
    return Secured(at_a, to_b, True), Secured(at_b, to_a, False)


@pytest.fixture
def guard():
    return Guard(Limits(), clock=lambda: 0.0)


@pytest.fixture
async def ends(guard, nursery):
    """Two connections that speak to each other."""
    pair = [YamuxConnection(guard, secured, peer_id_of(PEER)) for secured in secured_pair()]
    for end in pair:
        nursery.start_soon(end.start)
    for end in pair:
        await end.event_started.wait()
    return pair


class Attacker:
    """Speaks raw frames to a connection of ours."""

    def __init__(self, secured):
        self.secured = secured
        self.heard: list[wire.Header] = []

    async def send(self, kind, flags, stream, length, body=b""):
        await self.secured.write(wire.header(kind, flags, stream, length) + body)

    async def listen(self):
        reader = wire.FrameReader()
        try:
            while True:
                for item in reader.feed(await self.secured.read()):
                    if isinstance(item, wire.Header):
                        self.heard.append(item)
        except ConnectionClosedError:
            pass


@pytest.fixture
async def victim_and_attacker(guard, nursery):
    ours, theirs = secured_pair()
    victim = YamuxConnection(guard, theirs, peer_id_of(PEER))
    nursery.start_soon(victim.start)
    await victim.event_started.wait()
    attacker = Attacker(ours)
    nursery.start_soon(attacker.listen)
    return victim, attacker


async def answer_pings(attacker):
    while True:
        await trio.sleep(1)
        for head in attacker.heard:
            if head.kind == wire.PING and head.flags & wire.SYN:
                await attacker.send(wire.PING, wire.ACK, 0, head.length)
        attacker.heard.clear()


async def open_pair(ends):
    near = await ends[0].open_stream()
    return near, await ends[1].accept_stream()


async def read_exactly(stream, size):
    data = b""
    while len(data) < size:
        data += await stream.read(size - len(data))
    return data


async def test_bytes_go_both_ways(ends, deadline):
    near, far = await open_pair(ends)
    with deadline():
        await near.write(b"ping")
        assert await read_exactly(far, 4) == b"ping"
        await far.write(b"pong")
        assert await read_exactly(near, 4) == b"pong"


async def test_more_than_any_window_passes_and_arrives_whole(ends, deadline):
    near, far = await open_pair(ends)
    sent = os.urandom(5 * MIB)
    with deadline():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(near.write, sent)
            received = await read_exactly(far, len(sent))
    assert received == sent


async def test_a_writer_waits_for_its_reader_however_long_that_takes(ends, autojump_clock):
    near, far = await open_pair(ends)
    sent = os.urandom(MIB)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(near.write, sent)
        await trio.sleep(3600)
        assert far.unread == wire.INITIAL_WINDOW
        assert await read_exactly(far, len(sent)) == sent


async def test_a_closed_side_is_an_end_and_the_other_side_goes_on(ends, deadline):
    near, far = await open_pair(ends)
    with deadline():
        await near.write(b"last words")
        await near.close()
        assert await far.read() == b"last words"
        with pytest.raises(MuxedStreamEOF):
            await far.read(1)
        with pytest.raises(MuxedStreamClosed):
            await near.write(b"more")
        await far.write(b"answer")
        await far.close()
        assert await near.read() == b"answer"
    assert not ends[0]._streams
    assert not ends[1]._streams


async def test_a_reset_is_no_end(ends, deadline):
    near, far = await open_pair(ends)
    with deadline():
        await near.write(b"half a mess")
        await near.reset()
        while not far.is_reset:
            await trio.lowlevel.checkpoint()
        with pytest.raises(MuxedStreamReset):
            await far.read(100)
        with pytest.raises(MuxedStreamReset):
            await far.write(b"x")
    assert not ends[0]._streams
    assert not ends[1]._streams


async def test_a_cancelled_write_leaves_the_connection_whole(ends, deadline):
    near, far = await open_pair(ends)
    with trio.move_on_after(0.01):
        await near.write(os.urandom(8 * MIB))
    other, its_end = await open_pair(ends)
    with deadline():
        await other.write(b"unharmed")
        assert await read_exactly(its_end, 8) == b"unharmed"
    assert far.unread


async def test_the_end_of_a_connection_wakes_everybody(ends, deadline):
    near, _far = await open_pair(ends)
    raised = []

    async def note(function, *args):
        try:
            await function(*args)
        except Exception as error:
            raised.append(type(error))

    with deadline():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(note, near.write, os.urandom(MIB))
            nursery.start_soon(note, near.read, 1)
            nursery.start_soon(note, ends[1].accept_stream)
            await trio.testing.wait_all_tasks_blocked()
            await ends[0].close()
        await ends[1].event_closed.wait()
    assert sorted(raised, key=str) == [MuxedConnUnavailable, MuxedStreamReset, MuxedStreamReset]
    assert ends[1].ended_because == "closed by the peer"
    with pytest.raises(MuxedStreamError):
        await ends[0].open_stream()


async def test_everything_at_once_is_limited(ends, deadline):
    near, far = await open_pair(ends)
    with deadline():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(near.write, bytes(MIB + 1))
            with pytest.raises(MuxedStreamError, match="more than"):
                await far.read()
            nursery.cancel_scope.cancel()


async def test_a_peer_that_keeps_its_side_open_is_reset_in_the_end(ends, autojump_clock):
    near, far = await open_pair(ends)
    await near.close()
    await trio.sleep(200)
    assert near.is_reset
    assert far.is_reset


async def test_a_sender_that_ignores_the_window_loses_its_connection(victim_and_attacker, guard, deadline):
    victim, attacker = victim_and_attacker
    with deadline():
        await attacker.send(wire.WINDOW_UPDATE, wire.SYN, 1, 0)
        stream = await victim.accept_stream()
        piece = bytes(64 * 1024)
        for _ in range(4):
            await attacker.send(wire.DATA, 0, 1, len(piece), piece)
        while stream.unread < wire.INITIAL_WINDOW:
            await trio.lowlevel.checkpoint()
        await attacker.send(wire.DATA, 0, 1, 1, b"x")
        await victim.event_closed.wait()
    assert guard.is_banned(PEER)
    assert guard.unread == 0


async def test_an_announced_body_of_100_megabytes_costs_nothing(victim_and_attacker, deadline):
    victim, attacker = victim_and_attacker
    with deadline():
        await attacker.send(wire.WINDOW_UPDATE, wire.SYN, 1, 0)
        await attacker.send(wire.DATA, 0, 1, 100_000_000)
        await victim.event_closed.wait()
    assert victim.ended_because == "yamux violation"


async def test_unread_bytes_are_bounded_over_all_streams(nursery, deadline):
    guard = Guard(Limits(unread_per_connection=MIB), clock=lambda: 0.0)
    ours, theirs = secured_pair()
    victim = YamuxConnection(guard, theirs, peer_id_of(PEER))
    nursery.start_soon(victim.start)
    attacker = Attacker(ours)
    nursery.start_soon(attacker.listen)
    window = bytes(wire.INITIAL_WINDOW)
    with deadline():
        for stream_id in range(1, 40, 2):
            await attacker.send(wire.WINDOW_UPDATE, wire.SYN, stream_id, 0)
            await attacker.send(wire.DATA, 0, stream_id, len(window), window)
        while sum(bool(head.flags & wire.RST) for head in attacker.heard) < 16:
            await trio.lowlevel.checkpoint()
    assert guard.unread <= MIB
    assert victim.is_established


async def test_streams_beyond_the_limit_are_refused_and_a_flood_of_them_ends_it(
    victim_and_attacker, guard, deadline
):
    victim, attacker = victim_and_attacker
    with deadline():
        flood = b"".join(wire.header(wire.WINDOW_UPDATE, wire.SYN, n, 0) for n in range(1, 20_001, 2))
        await attacker.secured.write(flood)
        await victim.event_closed.wait()
    assert guard.counters["dropped.too_many_streams"] == 1000
    assert guard.is_banned(PEER)


async def test_a_peer_that_sends_too_fast_is_read_more_slowly(nursery, autojump_clock):
    slow = Guard(Limits(bytes_per_second=100_000), clock=lambda: 0.0)
    ours, theirs = secured_pair()
    victim = YamuxConnection(slow, theirs, peer_id_of(PEER))
    nursery.start_soon(victim.start)
    attacker = Attacker(ours)
    nursery.start_soon(attacker.listen)
    await attacker.send(wire.WINDOW_UPDATE, wire.SYN, 1, 0)
    stream = await victim.accept_stream()
    began = trio.current_time()
    async with trio.open_nursery() as both:
        for _ in range(10):
            both.start_soon(attacker.send, wire.DATA, 0, 1, 50_000, bytes(50_000))
        await read_exactly(stream, 500_000)
    assert 3.5 < trio.current_time() - began < 5  # of virtual time: half a megabyte less the burst


async def test_a_peer_that_asks_and_never_reads_loses_its_connection(guard, nursery, deadline):
    ours, theirs = secured_pair()
    victim = YamuxConnection(guard, theirs, peer_id_of(PEER))
    nursery.start_soon(victim.start)
    pings = wire.header(wire.PING, wire.SYN, 0, 1) * 5000
    with deadline():
        while not victim.is_closed:
            with suppress(ConnectionClosedError):
                await ours.write(pings)
        await victim.event_closed.wait()
    assert victim.ended_because == "peer does not read"


@pytest.mark.parametrize(
    "frame",
    [
        b"\x01" + bytes(11),  # version
        b"\x00\x09" + bytes(10),  # kind
        wire.header(wire.WINDOW_UPDATE, wire.SYN, 2, 0),  # our own parity
        wire.header(wire.WINDOW_UPDATE, wire.SYN, 0, 0),
        wire.header(wire.WINDOW_UPDATE, wire.SYN, 3, 0) + wire.header(wire.WINDOW_UPDATE, wire.SYN, 1, 0),
    ],
)
async def test_violations_end_the_connection(victim_and_attacker, guard, deadline, frame):
    victim, attacker = victim_and_attacker
    with deadline():
        await attacker.secured.write(frame)
        await victim.event_closed.wait()
    assert victim.ended_because == "yamux violation"
    assert guard.is_banned(PEER)


async def test_data_for_a_stream_that_we_reset_is_ignored(victim_and_attacker, deadline):
    victim, attacker = victim_and_attacker
    with deadline():
        await attacker.send(wire.WINDOW_UPDATE, wire.SYN, 1, 0)
        stream = await victim.accept_stream()
        await stream.reset()
        await attacker.send(wire.DATA, 0, 1, 5, b"stray")
        await attacker.send(wire.WINDOW_UPDATE, wire.SYN, 3, 0)
        await victim.accept_stream()
    assert victim.is_established


async def test_an_end_that_comes_with_the_last_body(victim_and_attacker, deadline):
    victim, attacker = victim_and_attacker
    with deadline():
        await attacker.send(wire.DATA, wire.SYN | wire.FIN, 1, 3, b"all")
        assert await (await victim.accept_stream()).read() == b"all"


async def test_a_silent_peer_in_use_is_noticed_within_ten_seconds(guard, nursery, autojump_clock):
    _kept_open, theirs = secured_pair()
    victim = YamuxConnection(guard, theirs, peer_id_of(PEER))
    began = trio.current_time()
    nursery.start_soon(victim.start)
    await victim.event_closed.wait()
    assert victim.ended_because == "silent peer"
    assert trio.current_time() - began < 10


async def test_an_idle_connection_is_asked_rarely(ends, autojump_clock):
    await trio.sleep(600)  # idle from here on
    sent_before = ends[0]._next_ping + ends[1]._next_ping
    await trio.sleep(5400)
    assert ends[0]._next_ping + ends[1]._next_ping - sent_before <= 5400 / 120


async def test_what_is_sent_to_a_dead_peer_on_an_idle_connection_is_noticed_soon(
    victim_and_attacker, autojump_clock
):
    victim, attacker = victim_and_attacker
    await attacker.send(wire.WINDOW_UPDATE, wire.SYN, 1, 0)
    stream = await victim.accept_stream()
    with trio.move_on_after(1000):
        await answer_pings(attacker)
    sent_at = trio.current_time()
    await stream.write(b"are you there?")
    await victim.event_closed.wait()
    assert trio.current_time() - sent_at < 10


async def test_a_doubt_about_a_dead_peer_on_an_idle_connection_is_settled_soon(
    victim_and_attacker, autojump_clock
):
    victim, attacker = victim_and_attacker
    with trio.move_on_after(1000):
        await answer_pings(attacker)
    assert not victim.is_closed
    doubted_at = trio.current_time()
    victim.doubt()
    await victim.event_closed.wait()
    assert victim.ended_because == "silent peer"
    assert trio.current_time() - doubted_at < 10


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_arbitrary_bytes_are_frames_or_a_protocol_error(data):
    reader = wire.FrameReader()
    try:
        for item in reader.feed(data):
            assert isinstance(item, bytes) or item.kind <= wire.GO_AWAY
    except ProtocolError:
        pass


@given(st.data())
@settings(deadline=None)
def test_frames_are_the_same_however_the_bytes_are_cut(data):
    bodies = data.draw(st.lists(st.binary(max_size=50), max_size=8))
    stream = b"".join(wire.header(wire.DATA, 0, 1, len(body)) + body for body in bodies)
    reader = wire.FrameReader()
    headers, received = 0, b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        for item in reader.feed(stream[:size]):
            if isinstance(item, bytes):
                received += item
            else:
                headers += 1
        stream = stream[size:]
    assert (headers, received) == (len(bodies), b"".join(bodies))
