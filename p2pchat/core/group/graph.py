"""The operations of one group in their causal order.

Operations are entries of the group's log. Between two of them there may be thousands of messages, so
each operation is kept with the operations that stand directly before it (`after`), and the log itself
is not needed. `ActGraph.frontier` computes them from those of an entry's parents, for messages too: it
tells what of the group's history an author knew.

Sets of operations are bit masks over their numbers in the graph: thousands of operations fit a few
hundred bytes, and "is in the past of" is one bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.core.group.encoding import decode_operation
from p2pchat.core.group.operations import Operation
from p2pchat.core.identity import Card
from p2pchat.core.ids import DeviceId, EntryId, GroupId
from p2pchat.core.log.entry import Entry
from p2pchat.core.log.order import Position
from p2pchat.errors import ProtocolError

Frontier: TypeAlias = frozenset[EntryId]
NOTHING: Final[Frontier] = frozenset()


@dataclass(frozen=True)
class Act:
    """An operation, and what its entry says about when and by which device it was done."""

    id: EntryId
    device: DeviceId
    lamport: int
    sent_ms: int
    after: Frontier
    operation: Operation
    card: Card | None  # the operation's, read and checked

    @property
    def position(self) -> Position:
        """Its place among all entries as they are shown."""
        return self.lamport, self.id


def read_act(entry: Entry, after: Frontier, *, read_card: Callable[[bytes], Card] = Card.decode) -> Act:
    """The act in an entry of kind "group", whose place in the log was checked.

    `after` is the frontier of its parents and predecessor. `read_card` may be a cache in front of
    `Card.decode`: a card's signatures are most of the cost.

    Raises:
        ProtocolError: the body is erased or no operation. The entry stays in the log; it does nothing.
    """
    if entry.body is None:
        raise ProtocolError("the operation was erased")
    operation = decode_operation(entry.body)
    raw_card = getattr(operation, "card", None)
    card = read_card(raw_card) if raw_card is not None else None
    header = entry.header
    return Act(entry.id, header.device, header.lamport, header.sent_ms, after, operation, card)


class ActGraph:
    """The acts of one group; grow-only. Number 0 is the genesis, and an act comes after what it knows."""

    def __init__(self, group: GroupId) -> None:
        self.group = group
        self.acts: list[Act] = []  # by number
        self._numbers: dict[EntryId, int] = {}
        self._pasts: list[int] = []

    def __contains__(self, id: object) -> bool:
        return id in self._numbers

    def add(self, act: Act) -> int:
        """Take in `act`; returns its number.

        Raises:
            ProtocolError: it refers to an act that is not here, or knows nothing and is not the genesis.
        """
        if (GroupId(act.id) == self.group) == bool(act.after) or (not act.after and self.acts):
            raise ProtocolError("all operations of a group, and only they, come after its genesis")
        past = self.closure(act.after)
        self._numbers[act.id] = len(self.acts)
        self.acts.append(act)
        self._pasts.append(past)
        return len(self.acts) - 1

    def number(self, id: EntryId) -> int | None:
        """The number of the act `id`, or None."""
        return self._numbers.get(id)

    def past(self, number: int) -> int:
        """The acts that were done before this one and known to its author."""
        return self._pasts[number]

    def closure(self, frontier: Iterable[EntryId]) -> int:
        """The acts of `frontier` and all before them.

        Raises:
            ProtocolError: one of them is not here.
        """
        mask = 0
        for id in frontier:
            number = self._numbers.get(id)
            if number is None:
                raise ProtocolError("an operation refers to one that is not there")
            mask |= self._pasts[number] | 1 << number
        return mask

    def are_concurrent(self, one: int, other: int) -> bool:
        """Whether neither author knew of the other's act."""
        return one != other and not (self._pasts[one] >> other | self._pasts[other] >> one) & 1

    def frontier(self, frontiers: Iterable[Frontier]) -> Frontier:
        """What an entry knows whose parents and predecessor know `frontiers`: the newest acts of all."""
        distinct = set(frontiers)
        if len(distinct) == 1:
            return distinct.pop()
        ids = frozenset().union(*distinct)
        below = 0
        for id in ids:
            below |= self._pasts[self._numbers[id]]
        return frozenset(id for id in ids if not below >> self._numbers[id] & 1)
