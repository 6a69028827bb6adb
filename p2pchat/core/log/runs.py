"""Checking many entries of one chain by few signatures.

A signature covers its entry, which names the entry before, and so on: one good signature proves the
chain behind it. A `RunVerifier` checks the newest entry of each author and every `MAX_RUN`th behind
it. Verifying costs about 60 µs an entry otherwise, which is most of what a long catch-up costs.

A carrier may have spoilt signatures of entries that it passes on. They are then proven by the next
good one of that chain, which may come in a later batch; until then they are held back. Every stored
entry is therefore followed, within `MAX_RUN` of its chain, by an entry with a good signature.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from p2pchat.core.ids import EntryId
from p2pchat.core.log.entry import MAX_BODY, Entry
from p2pchat.errors import ProtocolError

MAX_RUN: Final = 32  # also bounds how many headers a proof of equivocation carries
_MAX_HELD: Final = 1024
_MAX_HELD_BYTES: Final = 32 * MAX_BODY


class RunVerifier:
    """Proves entries that arrive in batches over one stream."""

    def __init__(self) -> None:
        self._held: dict[EntryId, Entry] = {}  # not proven yet, in order of arrival
        self._ends: dict[EntryId, tuple[Entry, int]] = {}  # entry not seen yet -> what will prove it

    def add(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those entries, held ones among them, that are proven now, in order of arrival.

        Raises:
            ProtocolError: so many are unproven that the sender must be at fault.
        """
        batch = {**self._held, **{entry.id: entry for entry in entries}}
        distance: dict[EntryId, int] = {}  # of proven entries: steps to the signature that proves them
        for entry in sorted(batch.values(), key=lambda entry: -entry.header.seq):
            steps = min(distance.get(entry.id, MAX_RUN), self._promised(entry))
            if steps >= MAX_RUN:
                if not _is_signed(entry):
                    continue
                steps = 0
            distance[entry.id] = steps
            if entry.header.prev is None:
                continue
            before = batch.get(entry.header.prev)
            if before is None:
                self._ends[entry.header.prev] = (entry, steps + 1)
            elif _follows(entry, before):
                distance[before.id] = min(distance.get(before.id, MAX_RUN), steps + 1)
        proven = [entry for entry in batch.values() if distance.get(entry.id, MAX_RUN) < MAX_RUN]
        self._hold({id: entry for id, entry in batch.items() if distance.get(id, MAX_RUN) >= MAX_RUN})
        return proven

    def _promised(self, entry: Entry) -> int:
        """Steps from `entry` to the signature of an earlier batch that proves it."""
        after, steps = self._ends.get(entry.id, (None, MAX_RUN))
        return steps if after is not None and _follows(after, entry) else MAX_RUN

    def _hold(self, unproven: dict[EntryId, Entry]) -> None:
        if len(unproven) > _MAX_HELD or sum(len(e.body or b"") for e in unproven.values()) > _MAX_HELD_BYTES:
            raise ProtocolError("too many entries without a good signature")
        self._held = unproven
        while len(self._ends) > _MAX_HELD:
            del self._ends[next(iter(self._ends))]  # the oldest

    def finish(self) -> None:
        """Say that no more entries belong to what was asked for.

        Raises:
            ProtocolError: some that came were never proven. They are forgotten.
        """
        if self._held:
            self._held = {}
            raise ProtocolError("entries without a good signature")


def _is_signed(entry: Entry) -> bool:
    try:
        entry.verify()
    except ProtocolError:
        return False
    return True


def _follows(entry: Entry, before: Entry) -> bool:
    """Whether naming `before` as predecessor makes the author of `entry` answer for it."""
    return (
        before.header.device == entry.header.device
        and before.header.seq == entry.header.seq - 1
        and before.conversation == entry.conversation
    )
