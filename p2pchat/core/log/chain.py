"""Where an entry belongs in a log: known, next, too early, or on a branch that must not exist.

A device numbers its entries of a conversation from 1 without gaps and names the one before. An
honest device has one chain. A device that signs two entries with one number has forked: both entries
are kept, so that all members keep the same log, and the pair is a proof against it (equivocation.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from p2pchat.core.ids import DeviceId, EntryId
from p2pchat.core.log.entry import ChainHead, Entry
from p2pchat.core.log.order import check_lamport
from p2pchat.errors import ProtocolError


class Step(Enum):
    """How an entry relates to the end of its author's chain."""

    NEXT = "follows the head"
    BEFORE = "numbered like an entry that is there: a duplicate, or one side of a fork"
    GAP = "entries between the head and it are missing"
    FORK = "follows an entry that has the head's number and is not the head"


def check_next(head: ChainHead | None, entry: Entry) -> Step:
    """How `entry` relates to its author's chain that ends at `head` (None: empty)."""
    header = entry.header
    height = head.seq if head else 0
    if header.seq <= height:
        return Step.BEFORE
    if header.seq > height + 1:
        return Step.GAP
    if head is not None and header.prev != head.id:
        return Step.FORK
    return Step.NEXT


@dataclass(frozen=True, slots=True)
class Stored:
    """What must be known of a stored entry to place others behind it."""

    device: DeviceId
    seq: int
    lamport: int


class LogLookup(Protocol):
    """One conversation's log, as far as placing an entry needs it. Each look-up is by key."""

    def stored(self, id: EntryId) -> Stored | None:
        """The entry `id`, or None if it is not in this log."""

    def numbered(self, device: DeviceId, seq: int) -> Sequence[EntryId]:
        """The entries of `device` with number `seq`: more than one if it forked."""


@dataclass(frozen=True, slots=True)
class Known:
    """The entry is stored already."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The entry must wait for these."""

    ids: frozenset[EntryId]


@dataclass(frozen=True, slots=True)
class Fits:
    """The entry may be stored. `rivals` have the same author and number: each makes a proof."""

    rivals: tuple[EntryId, ...]


Place: TypeAlias = Known | Missing | Fits


def place(entry: Entry, log: LogLookup) -> Place:
    """Where `entry`, whose signature was checked, belongs in `log`.

    Raises:
        ProtocolError: it breaks a rule of the log and never fits, whatever else arrives.
    """
    header = entry.header
    rivals = tuple(log.numbered(header.device, header.seq))
    if entry.id in rivals:
        return Known()
    found = {id: log.stored(id) for id in header.referred}
    missing = frozenset(id for id, stored in found.items() if stored is None)
    if missing:
        return Missing(missing)
    referred = {id: stored for id, stored in found.items() if stored is not None}
    if header.prev is not None:
        before = referred[header.prev]
        if (before.device, before.seq) != (header.device, header.seq - 1):
            raise ProtocolError("the predecessor is not the author's entry before")
    check_lamport(header.lamport, [stored.lamport for stored in referred.values()])
    return Fits(rivals)
