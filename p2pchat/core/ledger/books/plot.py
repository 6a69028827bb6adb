"""A balance over time as lines of plain text: filled from zero, up to what is owed, down to what I owe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_FULL: Final = "█"
_UPPER: Final = "▀"
_LOWER: Final = "▄"
_AXIS: Final = "─"


def plot(points: Sequence[tuple[int, int]], *, width: int, height: int) -> list[str]:
    """`height` lines of `width` letters for `points` (time, value), the earliest first; at least one.

    Each column shows the value at the end of its part of the time; half a letter is the finest step.
    """
    values = _columns(points, width)
    top, bottom = max(*values, 0), min(*values, 0)
    steps = 2 * height
    # Half letters above the zero line, at least one for each side that is used; whole numbers only.
    above = top * steps // (top - bottom) if top > bottom else steps
    above = min(max(above, 1 if top else 0), steps - 1 if bottom else steps)
    below = steps - above
    # Rounded away from zero: nothing that is owed vanishes.
    tips = [-(-value * above // top) if value > 0 else value * below // (-bottom or 1) for value in values]
    return ["".join(_letter(tip, below, row, height) for tip in tips) for row in range(height)]


def _columns(points: Sequence[tuple[int, int]], width: int) -> list[int]:
    first, last = points[0][0], points[-1][0]
    values, value, index = [], 0, 0
    for column in range(width):
        end = first + (last - first) * (column + 1) // width if last > first else last
        while index < len(points) and points[index][0] <= end:
            value = points[index][1]
            index += 1
        values.append(value)
    return values


def _letter(tip: int, below: int, row: int, height: int) -> str:
    upper, lower = 2 * (height - row) - 1, 2 * (height - row) - 2  # half letters counted from the bottom
    has_upper, has_lower = (_covers(half - below, tip) for half in (upper, lower))
    if has_upper and has_lower:
        return _FULL
    if has_upper or has_lower:
        return _UPPER if has_upper else _LOWER
    return _AXIS if lower <= min(below, 2 * height - 1) <= upper else " "


def _covers(half: int, tip: int) -> bool:
    return 0 <= half < tip if tip > 0 else tip <= half < 0
