"""The cheap exchange for the usual short gap: compare how long each device's chain is.

Chains have no gaps, so a height says which entries are there, and the difference of two heights says
which are not. What heights cannot see, the second side of a fork, range reconciliation finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.core.sync.frames import Range

NEWEST_FIRST: Final = 64  # entries to ask for ahead of the rest: about what one screen shows


def missing_ranges(ours: Mapping[DeviceId, int], theirs: Mapping[DeviceId, int]) -> tuple[Range, ...]:
    """What the peer has and we lack. Heights count from 1; a device that is absent has height 0."""
    return tuple(
        Range(device, ours.get(device, 0) + 1, height)
        for device, height in theirs.items()
        if height > ours.get(device, 0)
    )


def split_newest(ranges: tuple[Range, ...]) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """`ranges` as the newest few entries of every device, and what comes before them.

    The newest can be shown while the rest is under way. A short gap is not split: the first part is
    then empty.
    """
    if sum(item.last - item.first + 1 for item in ranges) <= 4 * NEWEST_FIRST:
        return (), ranges
    share = max(1, NEWEST_FIRST // len(ranges))
    newest, older = [], []
    for item in ranges:
        cut = max(item.first, item.last - share + 1)
        newest.append(Range(item.device, cut, item.last))
        if cut > item.first:
            older.append(Range(item.device, item.first, cut - 1))
    return tuple(newest), tuple(older)
