"""A guard against losing speed unseen: ratios to bare work in the same process, with wide margins.

CPU time is compared, never the clock on the wall, and the best of several rounds, so that other
programs on the machine change little. `make bench` measures properly (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.core import BATCH, Side, bare, contacts, cpu
from benchmarks.people import text

ROUNDS = 4


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Side, Side]]:
    with contacts() as pair:
        ann, ben = pair
        ann.write("ben", [text(n) for n in range(BATCH)])
        ann.carry(ben)
        yield pair


def best_ratio(work: Callable[[], float], limit: Callable[[], float]) -> float:
    """How many times as much CPU `work` takes as `limit`, each at its best."""
    return min(work() for _ in range(ROUNDS)) / min(limit() for _ in range(ROUNDS))


def test_taking_in_a_burst_costs_a_small_multiple_of_box_and_row(
    pair: tuple[Side, Side], tmp_path: Path
) -> None:
    ann, ben = pair

    def take() -> float:
        ann.write("ben", [text(n) for n in range(BATCH)])
        return ann.carry(ben)

    assert best_ratio(take, lambda: bare(tmp_path, BATCH)) < 30  # about 16


def test_sending_a_burst_costs_a_small_multiple_of_box_and_row(
    pair: tuple[Side, Side], tmp_path: Path
) -> None:
    ann, ben = pair

    def send() -> float:
        took = cpu(lambda: ann.write("ben", [text(n) for n in range(BATCH)]))
        ann.carry(ben)
        return took

    assert best_ratio(send, lambda: bare(tmp_path, BATCH)) < 45  # about 27


def test_a_long_chat_is_opened_and_searched_as_fast_as_a_short_one(pair: tuple[Side, Side]) -> None:
    _, ben = pair
    short = ben.look_s()
    ben.lengthen(20_000)
    assert ben.look_s() < 20 * short  # a scan of all lines would cost 150 times as much
