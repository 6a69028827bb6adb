"""Noticing another network and sleep, on virtual time."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from p2pchat.net import changes


class Machine:
    """Addresses and a wall clock in the test's hands."""

    def __init__(self):
        self.addresses = frozenset({"192.168.1.2"})
        self.ahead_s = 0.0
        self.changes = 0

    def changed(self):
        self.changes += 1


@pytest.fixture
async def machine(autojump_clock, nursery):
    machine = Machine()
    nursery.start_soon(
        lambda: changes.watch(
            machine.changed,
            look=lambda: machine.addresses,
            wall_clock=lambda: 1e9 + trio.current_time() + machine.ahead_s,
        )
    )
    await trio.testing.wait_all_tasks_blocked()
    return machine


async def test_nothing_happens_where_nothing_changes(autojump_clock, machine):
    await trio.sleep(24 * 3600)
    assert machine.changes == 0


async def test_other_addresses_are_noticed_within_seconds_and_once(autojump_clock, machine):
    machine.addresses = frozenset({"10.0.0.7"})
    await trio.sleep(2 * changes.POLL_S)
    assert machine.changes == 1
    machine.addresses = frozenset()
    await trio.sleep(60)
    assert machine.changes == 2


async def test_sleep_is_noticed_by_the_wall_clock(autojump_clock, machine):
    machine.ahead_s += 3600
    await trio.sleep(2 * changes.POLL_S)
    assert machine.changes == 1
    await trio.sleep(60)
    assert machine.changes == 1


async def test_a_corrected_clock_is_no_sleep(autojump_clock, machine):
    for correction in (5, -5, -3600):
        machine.ahead_s += correction
        await trio.sleep(60)
    assert machine.changes == 0


def test_this_machine_is_somewhere_and_loopback_is_nowhere():
    place = changes.place()
    assert not any(address.startswith(("127.", "::1", "fe80")) for address in place)
    assert place == changes.place()
