"""Two nodes in two processes: streams, freezing, dying, coming back."""

from __future__ import annotations

import signal

import pytest
import trio

from p2pchat.errors import NetworkError
from p2pchat.net.network import PeerConnected, PeerDisconnected

pytestmark = pytest.mark.end_to_end


@pytest.fixture
async def pair(opened, victim_with):
    """Our network, connected to a node in another process."""
    other, network = await victim_with(), await opened()
    await network.connect(other.device, other.addresses)
    return network, other


async def test_ten_thousand_frames_come_back_from_the_other_process(pair, deadline):
    network, other = pair
    sent = [index.to_bytes(4, "big") * 50 for index in range(10_000)]
    received = []
    with deadline(60):
        stream = await network.open_stream(other.device, "echo/1", frame_limit=65536)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send, sent)
            while len(received) < len(sent):
                received += await stream.receive()
    assert received == sent


async def test_a_frozen_process_is_noticed(pair, deadline):
    network, other = pair
    events = network.events()
    stream = await network.open_stream(other.device, "echo/1", frame_limit=65536)
    with deadline():
        assert await anext(events) == PeerConnected(other.device)
    other.process.send_signal(signal.SIGSTOP)
    with deadline(10):  # what is promised; the state machine is tested on virtual time in test_yamux
        assert await anext(events) == PeerDisconnected(other.device)
        with pytest.raises(NetworkError):
            await stream.receive()
    assert network.state().counters["dropped.silent_peer"] == 1


async def test_a_killed_process_is_noticed_and_its_successor_is_found_at_once(pair, victim_with, deadline):
    network, other = pair
    events = network.events()
    with deadline():
        assert await anext(events) == PeerConnected(other.device)
        other.process.kill()
        assert await anext(events) == PeerDisconnected(other.device)
        with pytest.raises(NetworkError):
            await network.connect(other.device, other.addresses)
        successor = await victim_with()
        await network.connect(successor.device, successor.addresses)
        await network.ping(successor.device)


async def test_a_node_that_ends_says_goodbye(pair, deadline):
    network, other = pair
    events = network.events()
    with deadline():
        assert await anext(events) == PeerConnected(other.device)
        other.process.stdin.close()
        assert await anext(events) == PeerDisconnected(other.device)
        assert await trio.to_thread.run_sync(other.process.wait, abandon_on_cancel=True) == 0
