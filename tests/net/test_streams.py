"""Streams of frames between two hosts on loopback."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel

from p2pchat.errors import NetworkError, UsageError

ECHO = "echo/1"
LIMIT = 64 * 1024


async def echo(stream):
    while frames := await stream.receive():
        await stream.send(frames)


async def collect(stream, count):
    frames = []
    while len(frames) < count:
        arrived = await stream.receive()
        assert arrived, "the stream ended early"
        frames += arrived
    return frames


async def open_and_receive(network, peer):
    stream = await network.open_stream(peer.device, ECHO, frame_limit=LIMIT)
    return await stream.receive()


@pytest.fixture
async def pair(opened):
    alice, bob = await opened(), await opened()
    await alice.connect(bob.device, bob.advertised())
    return alice, bob


async def test_frames_go_both_ways_in_order(pair, deadline):
    alice, bob = pair
    bob.serve(ECHO, echo, frame_limit=LIMIT)
    with deadline():
        stream = await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT)
        sent = [b"", b"one", b"x" * LIMIT, b"last"]
        await stream.send(sent)
        assert await collect(stream, len(sent)) == sent
        assert stream.peer == bob.device


async def test_the_dialled_end_opens_streams_as_well(pair, deadline):
    alice, bob = pair
    alice.serve(ECHO, echo, frame_limit=LIMIT)
    with deadline():
        await trio.lowlevel.checkpoint()
        stream = await bob.open_stream(alice.device, ECHO, frame_limit=LIMIT)
        await stream.send([b"hello"])
        assert await stream.receive() == [b"hello"]


async def test_ten_thousand_frames_arrive_complete_and_in_order(pair, deadline):
    alice, bob = pair
    bob.serve(ECHO, echo, frame_limit=LIMIT)
    sent = [index.to_bytes(4, "big") * 50 for index in range(10_000)]
    with deadline(60):
        stream = await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send, sent)
            received = await collect(stream, len(sent))
    assert received == sent


async def test_closing_ends_the_other_side_with_an_empty_receive(pair, deadline):
    alice, bob = pair
    ended = trio.Event()

    async def handler(stream):
        assert await stream.receive() == [b"bye"]
        assert await stream.receive() == []
        ended.set()

    bob.serve(ECHO, handler, frame_limit=LIMIT)
    with deadline():
        stream = await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT)
        await stream.send([b"bye"])
        await stream.close()
        await ended.wait()


async def test_an_announced_frame_above_the_limit_is_refused_and_counted(pair, deadline):
    alice, bob = pair
    bob.serve(ECHO, echo, frame_limit=1024)
    with deadline():
        stream = await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT)
        await stream.send([b"x" * 1025])
        with pytest.raises(NetworkError):
            await stream.receive()
    assert bob.state().counters["dropped.protocol_error"] == 1


async def test_sending_a_frame_above_the_limit_is_the_callers_fault(pair, deadline):
    alice, bob = pair
    bob.serve(ECHO, echo, frame_limit=LIMIT)
    with deadline():
        stream = await alice.open_stream(bob.device, ECHO, frame_limit=10)
        with pytest.raises(UsageError):
            await stream.send([b"x" * 11])


async def test_a_handler_that_raises_loses_its_stream_and_nothing_else(pair, deadline):
    alice, bob = pair

    async def broken(stream):
        await stream.receive()
        raise ValueError("a bug")

    bob.serve("broken/1", broken, frame_limit=LIMIT)
    bob.serve(ECHO, echo, frame_limit=LIMIT)
    with deadline():
        stream = await alice.open_stream(bob.device, "broken/1", frame_limit=LIMIT)
        await stream.send([b"x"])
        with pytest.raises(NetworkError):
            await stream.receive()
        other = await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT)
        await other.send([b"still here"])
        assert await other.receive() == [b"still here"]
    assert bob.state().counters["dropped.handler_error"] == 1


async def test_an_unknown_protocol_is_a_network_error(pair, deadline):
    alice, bob = pair
    with deadline(), pytest.raises(NetworkError, match="does not open"):
        await alice.open_stream(bob.device, "nothing/1", frame_limit=LIMIT)


async def test_streams_to_strangers_are_a_network_error(opened, deadline):
    alice, bob = await opened(), await opened()
    with deadline(), pytest.raises(NetworkError, match="not connected"):
        await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT)


async def test_one_peer_holds_no_more_than_its_share_of_streams(pair, deadline):
    alice, bob = pair
    bob.serve(ECHO, echo, frame_limit=LIMIT)
    share = bob.guard.limits.streams_per_peer
    with deadline(30):
        streams = [await alice.open_stream(bob.device, ECHO, frame_limit=LIMIT) for _ in range(share)]
        with pytest.raises(NetworkError):
            await open_and_receive(alice, bob)
        await streams[0].send([b"x"])
        assert await streams[0].receive() == [b"x"]
    assert bob.state().counters["dropped.too_many_streams"] == 1


async def test_ping_tells_a_round_trip(pair, deadline):
    alice, bob = pair
    with deadline():
        assert await alice.ping(bob.device) > 0
        await bob.ping(alice.device)


async def test_pinging_a_stranger_is_a_network_error(opened, deadline):
    alice, bob = await opened(), await opened()
    with deadline(), pytest.raises(NetworkError):
        await alice.ping(bob.device)
