"""The hash chains of an account: linking entries to their predecessors, heads, and forks.

An entry takes part only when its chain is known back to sequence number 1; until then it waits. So
what takes part depends on the set of entries alone, never on their order of arrival. A writer whose
chain has two heads has signed two entries with one number: both stay, and `forks` proves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from p2pchat.core import codec
from p2pchat.core.ids import AccountId, DeviceId, LedgerEntryId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ledger.entry import SignedEntry, Writer
from p2pchat.errors import ProtocolError

MAX_WAITING: Final = 4096  # entries of one device kept without their predecessors; a flood ends here


class Equivocation(NamedTuple):
    """Two entries of one writer with one sequence number: proof against the device that signed both."""

    first: SignedEntry
    second: SignedEntry


class Head(NamedTuple):
    """The end of one chain."""

    writer: Writer
    seq: int
    id: LedgerEntryId


class Chains:
    """All linked entries of an account, in an order where each follows its predecessor."""

    def __init__(self, account: AccountId) -> None:
        self.account = account
        self.entries: dict[bytes, SignedEntry] = {}
        self._heads: dict[tuple[DeviceId, bytes], list[SignedEntry]] = {}
        self.awaited: dict[bytes, dict[bytes, SignedEntry]] = {}  # what waits, by the predecessor it misses
        self._waiting_of: dict[DeviceId, int] = {}

    def link(self, signed: SignedEntry) -> list[SignedEntry]:
        """Take `signed` in; gives the entries that are linked now and were not before.

        Raises:
            ProtocolError: it does not fit the predecessor that it names, or too many entries wait.
        """
        entry = signed.entry
        ends = self._heads.get((entry.device, entry.epoch))
        if ends is not None and not self.awaited:
            last = ends[0]
            before = last.entry
            if (
                last.id == entry.prev
                and entry.seq == before.seq + 1
                and entry.created_ms >= before.created_ms
            ):
                # Nearly always: the next entry of a chain that has one head.
                self.entries[signed.id] = ends[0] = signed
                return [signed]
        if signed.id in self.entries or signed.id in self.awaited.get(entry.prev, ()):
            return []
        if entry.seq != 1 and entry.prev not in self.entries:
            self._wait(signed)
            return []
        if not self._fits(signed):
            raise ProtocolError("a ledger entry does not fit the one that it follows")
        return self._link_with_followers(signed)

    def sole_end(self, device: DeviceId, epoch: bytes) -> SignedEntry | None:
        """The end of a chain that has one; None if it is not begun, or forked."""
        ends = self._heads.get((device, epoch), ())
        return ends[0] if len(ends) == 1 else None

    def prolong(self, device: DeviceId, epoch: bytes, end: SignedEntry) -> None:
        """A chain with one end ends with `end` now; that one and all before it are in `entries` already."""
        self._heads[device, epoch] = [end]

    def heads(self) -> list[Head]:
        """The ends of all chains, sorted; a forked writer has several."""
        ends = (
            Head(end.entry.writer, end.entry.seq, end.id) for branch in self._heads.values() for end in branch
        )
        return sorted(ends)

    def missing(self) -> list[LedgerEntryId]:
        """Predecessors that waiting entries name and that nobody has delivered yet, sorted."""
        return sorted(LedgerEntryId(prev) for prev in self.awaited)

    def ancestors(self, head: bytes) -> Iterator[SignedEntry]:
        """The linked entry `head`, then its predecessors down to sequence number 1; empty if unknown."""
        signed = self.entries.get(head)
        while signed is not None:
            yield signed
            signed = self.entries.get(signed.entry.prev)

    def forks(self) -> list[Equivocation]:
        """For each forked writer one proof: its two smallest ids at the lowest doubled number."""
        return [self._proof(ends) for _writer, ends in sorted(self._heads.items()) if len(ends) > 1]

    def _wait(self, signed: SignedEntry) -> None:
        device = signed.entry.device
        if self._waiting_of.get(device, 0) >= MAX_WAITING:
            raise ProtocolError("too many ledger entries without their predecessors")
        self.awaited.setdefault(signed.entry.prev, {})[signed.id] = signed
        self._waiting_of[device] = self._waiting_of.get(device, 0) + 1

    def _fits(self, signed: SignedEntry) -> bool:
        entry = signed.entry
        if entry.seq == 1:
            return entry.prev == self.account
        before = self.entries[entry.prev].entry
        return (
            entry.seq == before.seq + 1
            and entry.device == before.device
            and entry.epoch == before.epoch
            and entry.created_ms >= before.created_ms
        )

    def _link_with_followers(self, signed: SignedEntry) -> list[SignedEntry]:
        linked = []
        queue = [signed]
        for current in queue:
            if not self._fits(current):
                continue  # it named a predecessor before that one was known; it can never take part
            self.entries[current.id] = current
            self._move_head(current)
            linked.append(current)
            followers = self.awaited.pop(current.id, None)
            if followers:
                queue.extend(followers.values())
                for follower in followers.values():
                    self._waiting_of[follower.entry.device] -= 1
        return linked

    def _move_head(self, signed: SignedEntry) -> None:
        ends = self._heads.setdefault(signed.entry.writer, [])
        for index, end in enumerate(ends):
            if end.id == signed.entry.prev:
                ends[index] = signed
                return
        ends.append(signed)

    def _proof(self, ends: list[SignedEntry]) -> Equivocation:
        by_seq: dict[int, set[bytes]] = {}
        for end in ends:
            for signed in self.ancestors(end.id):
                by_seq.setdefault(signed.entry.seq, set()).add(signed.id)
        seq = min(number for number, ids in by_seq.items() if len(ids) > 1)
        first, second, *_ = sorted(by_seq[seq])
        return Equivocation(self.entries[first], self.entries[second])


def heads_root(heads: list[Head]) -> bytes:
    """The 32-byte hash that names a set of heads, and with them every entry below."""
    rows = [
        [bytes(head.writer.device), head.writer.epoch, head.seq, bytes(head.id)] for head in sorted(heads)
    ]
    return tagged_hash("ledger heads", codec.encode(rows))
