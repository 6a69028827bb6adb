"""What strangers leave behind when they have gone: nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from p2pchat.errors import NetworkError

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

ROOMY = {"connections_per_range": 2000, "handshakes": 1000}
SETTLE_S = 12  # libp2p gives a handshake ten seconds


def assert_as_before(before, after):
    assert after["errors"] == []
    assert after["fds"] <= before["fds"]
    assert after["tasks"] <= before["tasks"] * 1.05
    assert after["rss"] <= before["rss"] * 1.05


async def settled(victim, before):
    """The victim's measurements once they have come down, or as they are after a while."""
    for _ in range(SETTLE_S * 2):
        now = await victim.measure()
        if now["tasks"] <= before["tasks"] and now["fds"] <= before["fds"]:
            break
        await trio.sleep(0.5)
    return now


async def come_and_go(opened, victim, times):
    network = await opened()
    for _ in range(times):
        with suppress(NetworkError):
            await network.connect(victim.device, victim.addresses)
        for connection in network.host.get_network().get_connections():
            connection.muxed_conn.end("test")
            await connection.event_closed.wait()
        while network.is_connected(victim.device):  # noqa: ASYNC110
            await trio.sleep(0.01)


async def test_two_thousand_connections_made_and_closed(opened, victim_with):
    victim = await victim_with(**ROOMY)
    await come_and_go(opened, victim, 50)  # imports and caches
    await trio.sleep(2)
    before = await victim.measure()
    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(come_and_go, opened, victim, 250)
    after = await settled(victim, before)
    assert_as_before(before, after)


async def half_open_and_idle(opened, victim, before):
    half_open = [await trio.open_tcp_stream("127.0.0.1", victim.port) for _ in range(500)]
    for stream in half_open:
        await stream.send_all(b"\x13/multistream/1.0.0\n")
    idle = [await trio.open_tcp_stream("127.0.0.1", victim.port) for _ in range(200)]
    try:
        honest = await opened()
        with trio.fail_after(10):
            await honest.connect(victim.device, victim.addresses)
            await honest.ping(victim.device)
            await honest.disconnect(victim.device)
        for stream in half_open:
            await stream.aclose()
        return await settled(victim, before)  # the victim closes the idle ones itself
    finally:
        for stream in half_open + idle:
            await stream.aclose()


async def test_five_hundred_half_open_and_two_hundred_idle_connections(opened, victim_with):
    victim = await victim_with(**ROOMY)
    await come_and_go(opened, victim, 5)
    # The first wave raises what the allocator keeps (about a tenth); a leak would show in the next.
    before = await half_open_and_idle(opened, victim, await victim.measure())
    after = await half_open_and_idle(opened, victim, before)
    assert_as_before(before, after)
