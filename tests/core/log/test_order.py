"""The displayed order is causal, and no clock can break it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.log.order import MAX_LEAP_MS, check_lamport, next_lamport, shown_ms
from p2pchat.errors import ProtocolError

YEAR_2106 = 4_300_000_000_000
NOW = 1_800_000_000_000


@given(
    clocks=st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=40),
)
def test_what_authors_choose_is_always_accepted_and_rises(clocks):
    newest: list[int] = []
    for clock in clocks:
        lamport = next_lamport(newest[-1] if newest else 0, clock)
        check_lamport(lamport, newest[-1:])
        newest.append(lamport)
    assert newest == sorted(set(newest))


def test_concurrent_entries_sort_by_the_time_they_were_written():
    assert next_lamport(NOW, NOW + 5000) == NOW + 5000


def test_a_clock_of_1970_still_writes_after_what_it_answers():
    assert next_lamport(NOW, 0) == NOW + 1


def test_a_clock_of_2106_moves_the_log_by_a_day():
    assert next_lamport(NOW, YEAR_2106) == NOW + MAX_LEAP_MS


def test_an_entry_above_one_parent_only_is_refused():
    with pytest.raises(ProtocolError):
        check_lamport(NOW + 1, [NOW, NOW + 1])


def test_the_year_2106_is_shown_as_the_time_of_receipt():
    assert shown_ms(YEAR_2106, NOW) == NOW
    assert shown_ms(NOW + 9 * 60_000, NOW) == NOW + 9 * 60_000
    assert shown_ms(0, NOW) == 0
