"""Range fingerprints without reading the log: sums of ids kept for stretches of it.

The log, in display order, is cut into buckets of at most `MAX_BUCKET` entries. The store keeps one
row for each: where it begins, how many entries it holds, and the sum of their ids. `BucketStorage`
answers what Negentropy asks from these rows, and reads the entries of a bucket only where a range
ends inside it. (Storage-tree summaries for RBSR: A. Meyer, https://arxiv.org/abs/2212.13567.)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Self

from p2pchat.core.ids import EntryId
from p2pchat.core.log.order import Position
from p2pchat.core.sync.negentropy import Bound, fingerprint

MAX_BUCKET: Final = 512
_MODULUS: Final = 1 << 256


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of the log, from `first` up to the next bucket's `first`."""

    first: Position  # of the first bucket: (0, 32 zero bytes), so that every entry has a bucket
    count: int
    total: int  # the sum of the ids mod 2**256, each read as a little-endian number

    @classmethod
    def of(cls, first: Position, items: Iterable[Position]) -> Self:
        """The bucket that begins at `first` and holds `items`."""
        numbers = [_number(id) for _, id in items]
        return cls(first, len(numbers), sum(numbers) % _MODULUS)

    def with_entry(self, id: EntryId) -> Self:
        """The bucket after the entry `id` was stored in it."""
        return type(self)(self.first, self.count + 1, (self.total + _number(id)) % _MODULUS)

    def halves(self, items: Sequence[Position]) -> tuple[Self, Self]:
        """Two buckets for the `items`, in order, of one that has more than `MAX_BUCKET`."""
        middle = len(items) // 2
        return type(self).of(self.first, items[:middle]), type(self).of(items[middle], items[middle:])


FIRST_POSITION: Final[Position] = (0, EntryId(bytes(EntryId.size)))
EMPTY: Final = Bucket(FIRST_POSITION, 0, 0)  # the only bucket of an empty log

Load = Callable[[Position, Position | None], Sequence[Position]]
"""The entries of one bucket in order: from the first position, included, to the second, not included."""


class BucketStorage:
    """A log as Negentropy sees it, for as long as the log does not change."""

    def __init__(self, buckets: Sequence[Bucket], load: Load) -> None:
        self._buckets = buckets
        self._load = load
        self._firsts = [bucket.first for bucket in buckets]
        self._counts = [0, *accumulate(bucket.count for bucket in buckets)]
        self._totals = [0, *accumulate(bucket.total for bucket in buckets)]
        self._loaded: tuple[int, Sequence[Position], list[int]] | None = None

    def size(self) -> int:
        """How many entries there are."""
        return self._counts[-1]

    def fingerprint(self) -> bytes:
        """The fingerprint of the whole log."""
        return fingerprint(self._totals[-1] % _MODULUS, self._counts[-1])

    def lower_bound(self, bound: Bound) -> int:
        """How many entries are below `bound`."""
        index = max(bisect_right(self._firsts, bound) - 1, 0)
        return self._counts[index] + bisect_left(self._items_of(index)[0], bound)

    def items(self, begin: int, end: int) -> Sequence[Position]:
        """The entries from `begin` up to, not including, `end`."""
        found: list[Position] = []
        index = bisect_right(self._counts, begin) - 1
        while len(found) < end - begin:
            start = max(begin - self._counts[index], 0)
            found += self._items_of(index)[0][start : end - self._counts[index]]
            index += 1
        return found

    def total(self, begin: int, end: int) -> int:
        """The sum of the ids from `begin` up to, not including, `end`, mod 2**256."""
        return (self._total_below(end) - self._total_below(begin)) % _MODULUS

    def _total_below(self, place: int) -> int:
        index = bisect_right(self._counts, place) - 1
        inside = place - self._counts[index]
        return self._totals[index] + (self._items_of(index)[1][inside] if inside else 0)

    def _items_of(self, index: int) -> tuple[Sequence[Position], list[int]]:
        """The entries of a bucket and their running sums. Ranges ascend, so one bucket is kept."""
        if self._loaded is None or self._loaded[0] != index:
            end = self._firsts[index + 1] if index + 1 < len(self._firsts) else None
            items = self._load(self._firsts[index], end)
            self._loaded = index, items, [0, *accumulate(_number(id) for _, id in items)]
        return self._loaded[1:]


def _number(id: EntryId) -> int:
    return int.from_bytes(id, "little")
