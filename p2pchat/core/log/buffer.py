"""Entries that arrived before what they refer to.

Gossip reorders and loses. An entry whose predecessor or parents are missing waits here, within
bounds that no author can use up for the others, and comes out when the last of them is stored. What
is pushed out is not lost: it is in the peers' logs and comes again with the next reconciliation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Final

from p2pchat.core.ids import DeviceId, EntryId
from p2pchat.core.log.entry import Entry

MAX_PER_AUTHOR: Final = 512
MAX_TOTAL: Final = 8192
MAX_BYTES: Final = 32 * 1024 * 1024


class CausalBuffer:
    """Waiting entries of one conversation. Those put in must have been proven to be their author's."""

    def __init__(
        self, *, per_author: int = MAX_PER_AUTHOR, total: int = MAX_TOTAL, size_bytes: int = MAX_BYTES
    ) -> None:
        self._per_author = per_author
        self._total = total
        self._max_bytes = size_bytes
        self._sizes: Counter[DeviceId] = Counter()  # bytes of each author
        self._bytes = 0
        self._entries: dict[EntryId, Entry] = {}
        self._missing: dict[EntryId, set[EntryId]] = {}  # waiting entry -> what it waits for
        self._waiters: defaultdict[EntryId, set[EntryId]] = defaultdict(set)  # and the other way round
        self._authors: defaultdict[DeviceId, set[EntryId]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """The waiting entries as the log would show them."""
        return iter(sorted(self._entries.values(), key=_position))

    def hold(self, entry: Entry, missing: Collection[EntryId]) -> list[EntryId]:
        """Keep `entry` until all of `missing` (not empty) are stored; returns what was pushed out.

        The newest entries are pushed out first, for they will wait longest: those of the same author
        if it has too many, else those of the author that has most. That may be `entry` itself.
        """
        if entry.id in self._entries:
            return []
        self._entries[entry.id] = entry
        self._missing[entry.id] = set(missing)
        for id in missing:
            self._waiters[id].add(entry.id)
        self._authors[entry.header.device].add(entry.id)
        self._sizes[entry.header.device] += _size(entry)
        self._bytes += _size(entry)
        pushed_out = []
        while len(mine := self._authors[entry.header.device]) > self._per_author:
            pushed_out.append(self._push_out(mine))
        while len(self._entries) > self._total or self._bytes > self._max_bytes:
            pushed_out.append(
                self._push_out(self._authors[max(self._authors, key=lambda author: self._sizes[author])])
            )
        return pushed_out

    def release(self, stored: EntryId) -> list[Entry]:
        """The entries that waited for `stored` alone, in display order; they wait no longer.

        Call it again for each of them once it is stored.
        """
        free = []
        for waiter in self._waiters.pop(stored, ()):
            self._missing[waiter].discard(stored)
            if not self._missing[waiter]:
                free.append(self._remove(waiter))
        return sorted(free, key=_position)

    def wanted(self) -> frozenset[EntryId]:
        """The entries to ask for: waited for, and not waiting here themselves."""
        return frozenset(self._waiters.keys() - self._entries.keys())

    def _push_out(self, ids: set[EntryId]) -> EntryId:
        return self._remove(max(ids, key=lambda id: _position(self._entries[id]))).id

    def _remove(self, id: EntryId) -> Entry:
        entry = self._entries.pop(id)
        for missing in self._missing.pop(id):
            self._waiters[missing].discard(id)
            if not self._waiters[missing]:
                del self._waiters[missing]
        self._sizes[entry.header.device] -= _size(entry)
        self._bytes -= _size(entry)
        mine = self._authors[entry.header.device]
        mine.discard(id)
        if not mine:
            del self._authors[entry.header.device], self._sizes[entry.header.device]
        return entry


def _position(entry: Entry) -> tuple[int, EntryId]:
    return entry.header.lamport, entry.id


def _size(entry: Entry) -> int:
    return len(entry.raw_header) + len(entry.body or b"")
