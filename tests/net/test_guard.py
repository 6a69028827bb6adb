"""The guard by itself: limits, bans that expire, counters."""

from __future__ import annotations

import logging

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.net.bucket import TokenBucket
from p2pchat.net.config import Limits
from p2pchat.net.guard import Guard, RefusedError

EVE = DeviceId(b"\x01" * 32)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def guard(clock):
    return Guard(Limits(connections_per_range=2, handshakes=2, ban_s=600), clock)


@pytest.mark.parametrize(
    ("one", "same_range", "other"),
    [
        ("192.0.2.7", "192.0.2.200", "192.0.3.7"),
        ("2001:db8::1", "2001:db8:0:ff::2", "2001:db8:0:100::1"),
        ("::ffff:192.0.2.7", "192.0.2.9", "192.0.3.7"),
        ("fe80::1%eth0", "fe80::2%eth0", "2001:db8::1"),
    ],
)
def test_an_address_range_has_a_share_that_is_given_back(guard, one, same_range, other):
    with guard.arrival(one), guard.arrival(same_range):
        with pytest.raises(RefusedError, match="too many from one range"), guard.arrival(one):
            pass
        with guard.arrival(other):
            pass
    with guard.arrival(one):
        pass


def test_relayed_arrivals_have_no_range(guard):
    with guard.arrival(None), guard.arrival(None), guard.arrival(None):
        pass


async def test_the_oldest_handshake_makes_room_for_the_newest(guard):
    done = []

    async def shake(name):
        with guard.handshake() as scope:
            await trio.sleep_forever()
        done.append((name, scope.cancelled_caught))

    async with trio.open_nursery() as nursery:
        for name in ("first", "second", "third"):
            nursery.start_soon(shake, name)
            await trio.testing.wait_all_tasks_blocked()
        assert done == [("first", True)]
        nursery.cancel_scope.cancel()


def test_a_ban_expires(guard, clock):
    guard.ban(EVE, "a reason")
    assert guard.is_banned(EVE)
    clock.now = 599.0
    assert guard.is_banned(EVE)
    clock.now = 600.0
    assert not guard.is_banned(EVE)
    assert guard.counters["bans"] == 1


def test_banned_devices_from_one_address_ban_the_address(guard, clock):
    for n in range(3):
        guard.ban(DeviceId(bytes([n]) * 32), "a reason", "192.0.2.7")
    with pytest.raises(RefusedError, match="banned address"), guard.arrival("192.0.2.7"):
        pass
    clock.now = 600.0
    with guard.arrival("192.0.2.7"):
        pass


def test_loopback_is_never_banned(guard):
    for n in range(9):
        guard.ban(DeviceId(bytes([n]) * 32), "a reason", "127.0.0.1")
    with guard.arrival("127.0.0.1"):
        pass


def test_a_single_offence_is_forgiven_and_repeated_ones_are_not(guard):
    banned = []
    guard.on_ban = banned.append
    for _ in range(7):
        guard.offend(EVE, "garbage")
    assert not guard.is_banned(EVE)
    guard.offend(EVE, "garbage")
    assert guard.is_banned(EVE)
    assert banned == [EVE]


def test_the_list_of_bans_is_bounded(guard):
    for n in range(5000):
        guard.ban(DeviceId(n.to_bytes(32, "big")), "a reason")
    assert not guard.is_banned(DeviceId((0).to_bytes(32, "big")))
    assert guard.is_banned(DeviceId((4999).to_bytes(32, "big")))
    assert len(guard._banned) <= 4096


def test_a_flood_of_drops_is_counted_but_not_logged(guard, caplog):
    with caplog.at_level(logging.INFO):
        for _ in range(1000):
            guard.drop("too many streams", "Eve")
    assert guard.counters["dropped.too_many_streams"] == 1000
    assert len(caplog.records) == 1


def test_a_token_bucket_gives_its_burst_then_its_rate():
    bucket = TokenBucket(rate=10, burst=5, now=0.0)
    assert [bucket.take(1, 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.take(1, 0.1)
    assert not bucket.take(1, 0.1)


def test_a_token_bucket_in_debt_says_how_long_to_wait():
    bucket = TokenBucket(rate=100, burst=50, now=0.0)
    assert bucket.owe(50, 0.0) == 0
    assert bucket.owe(100, 0.0) == 1.0
    assert bucket.owe(0, 1.0) == 0
