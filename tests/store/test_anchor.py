"""The note of what was signed last survives a torn write, and never goes backwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pchat.store.anchor import Anchor, Mark


def mark(number: int) -> Mark:
    return Mark(b"w" * 32, number.to_bytes(32, "big"))


def test_what_was_noted_last_is_found_by_whoever_opens_it_next(tmp_path: Path) -> None:
    path = tmp_path / "anchor"
    assert Anchor(path).read() is None
    for number in range(5):
        Anchor(path).write(mark(number))
        assert Anchor(path).read() == mark(number)
    same = Anchor(path)
    for number in range(5, 9):
        same.write(mark(number))
    assert Anchor(path).read() == mark(8)
    assert path.stat().st_size == 2 * 512


@pytest.mark.parametrize("torn", [0, 1, 8, 40, 71, 103])
def test_a_torn_write_leaves_the_one_before_it(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "anchor"
    for number in range(3):
        Anchor(path).write(mark(number))
    before = path.read_bytes()
    Anchor(path).write(mark(3))
    after = path.read_bytes()
    (start,) = [place for place in (0, 512) if before[place : place + 512] != after[place : place + 512]]
    path.write_bytes(before[:start] + after[start : start + torn] + before[start + torn :])
    assert Anchor(path).read() == mark(2)
    Anchor(path).write(mark(4))
    assert Anchor(path).read() == mark(4)
