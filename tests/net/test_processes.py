"""Two nodes in two processes: streams, freezing, dying, coming back."""

from __future__ import annotations

import signal
import socket

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


async def slow_link(port, bytes_per_second, task_status=trio.TASK_STATUS_IGNORED):
    """Forwards to `port`, no more than so many bytes a second on the way there."""

    async def forward(source, sink, chunk, pause):
        while data := await source.receive_some(chunk):
            await sink.send_all(data)
            await trio.sleep(pause)

    async def serve(near):
        async with near, await trio.open_tcp_stream("127.0.0.1", port) as far, trio.open_nursery() as nursery:
            nursery.start_soon(forward, near, far, bytes_per_second // 10, 0.1)
            nursery.start_soon(forward, far, near, 65536, 0)

    listener = trio.socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # as on a link that holds little
    await listener.bind(("127.0.0.1", 0))
    listener.listen()
    task_status.started(listener.getsockname()[1])
    await trio.serve_listeners(serve, [trio.SocketListener(listener)])


@pytest.mark.slow
async def test_a_slow_link_is_no_dead_peer(opened, victim_with, nursery, deadline):
    other, network = await victim_with(), await opened()
    port = await nursery.start(slow_link, other.port, 15_000)
    await network.connect(other.device, [f"/ip4/127.0.0.1/tcp/{port}"])
    stream = await network.open_stream(other.device, "never/1", frame_limit=65536)
    (connection,) = network.host.get_network().get_connections()
    with deadline(60):
        await stream.send([bytes(60_000)] * 4)
        await connection.muxed_conn.ping()  # waits its turn behind what was sent
    assert "dropped.silent_peer" not in network.state().counters
