"""One group: give it acts as they are stored, ask it who is in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from p2pchat.core.group.authority import is_allowed
from p2pchat.core.group.graph import Act, ActGraph, Frontier
from p2pchat.core.group.history import ENTRIES, History
from p2pchat.core.group.resolver import resolve
from p2pchat.core.group.view import GroupView, removals, view_of
from p2pchat.core.ids import GroupId, PersonId
from p2pchat.errors import ProtocolError

_KEPT_VIEWS: Final = 64  # messages in flight know one of the last few
_KEPT_ANSWERS: Final = 1024  # more different frontiers of one parting count as behind it


class Group:
    """Grow-only; the same acts in any order that respects what they know give the same views.

    What stands is found when it is asked for, so a flood of acts costs one resolution and not many.
    """

    def __init__(self, genesis: Act) -> None:
        """A group with nobody in it but its founder.

        Raises:
            ProtocolError: `genesis` does not found a group.
        """
        self.graph = ActGraph(GroupId(genesis.id))
        self._history = History(self.graph)
        self._views: OrderedDict[Frontier, GroupView] = OrderedDict()
        self._heads = 1  # acts that no other knows
        self._tangled = 0  # acts to which another is concurrent
        self._history.add(self.graph.add(genesis))
        self._standing: int | None = resolve(self._history, 1)  # None: to be found anew
        self._frontier = self._find_frontier()
        if not self._standing:
            raise ProtocolError("the entry does not found a group")

    def add(self, act: Act) -> None:
        """Take in `act`; the acts it knows must be here.

        Raises:
            ProtocolError: they are not, or it is no act of this group. Nothing has changed then.
        """
        if act.id in self.graph:
            return
        number = self.graph.add(act)
        self._history.add(number)
        self._heads = self._heads & ~self.graph.past(number) | 1 << number
        self._frontier = self._find_frontier()
        concurrent = ((1 << number) - 1) & ~self.graph.past(number)
        if concurrent:
            self._tangled |= concurrent | 1 << number
            self._standing = None
        elif self._standing is not None:
            # It knows every other act: nothing voids it, and it voids nothing.
            self._standing |= is_allowed(self._history, number, self._standing) << number

    @property
    def frontier(self) -> Frontier:
        """The acts that no other knows: what somebody knows who knows all."""
        return self._frontier

    def _find_frontier(self) -> Frontier:
        found, heads = [], self._heads
        while heads:
            number = heads.bit_length() - 1
            found.append(self.graph.acts[number].id)
            heads ^= 1 << number
        return frozenset(found)

    def stands(self, act: Act) -> bool:
        """Whether `act`, given all acts so far, has an effect."""
        number = self.graph.number(act.id)
        return number is not None and bool(self._all_standing() >> number & 1)

    def view(self) -> GroupView:
        """The group after all acts."""
        return self._cached(self.frontier, self._all_standing())

    def view_after(self, frontier: Frontier) -> GroupView:
        """The group as it is for somebody who knows the acts of `frontier` and no later ones.

        Raises:
            ProtocolError: one of them is not here.
        """
        if frontier == self.frontier:
            return self.view()
        if frontier in self._views:
            return self._views[frontier]
        known = self.graph.closure(frontier)
        if self._is_untouched(known):
            return self._cached(frontier, self._all_standing() & known)
        return self._cached(frontier, resolve(self._history, known))

    def parting(self, person: PersonId) -> Callable[[Frontier], bool] | None:
        """Tells of a frontier whether those who know it count `person` out; None unless he was in and is out.

        What was written by those who did not is his to have: they wrote it for him.
        """
        if person in self.view().members:
            return None
        entries = self._mask(
            act
            for act in self._history.among(self._history.about.get(person, []), -1)
            if isinstance(act.operation, ENTRIES)
        )
        if not entries:
            return None
        ends = self._mask(removals(self._history, person, self._all_standing()))
        answers: dict[Frontier, bool] = {}

        def is_out(frontier: Frontier) -> bool:
            known = self.graph.closure(frontier)
            if ends:
                return bool(known & ends)
            # His admission fell: who knows it, and what it fell by, does not count him in.
            return bool(known & entries) and person not in self.view_after(frontier).members

        def cached(frontier: Frontier) -> bool:
            if frontier not in answers:
                answers[frontier] = len(answers) >= _KEPT_ANSWERS or is_out(frontier)
            return answers[frontier]

        return cached

    def _mask(self, acts: Iterable[Act]) -> int:
        return sum(1 << number for act in acts if (number := self.graph.number(act.id)) is not None)

    def _all_standing(self) -> int:
        if self._standing is None:
            self._standing = resolve(self._history, (1 << len(self.graph.acts)) - 1)
        return self._standing

    def _is_untouched(self, known: int) -> bool:
        """Whether no other act is concurrent to one of `known`: then the others change nothing of these."""
        tangled = self._tangled & known
        others = self._tangled & ~known
        return all(
            not others >> number & 1 or not tangled & ~self.graph.past(number)
            for number in range(others.bit_length())
        )

    def _cached(self, frontier: Frontier, standing: int) -> GroupView:
        if frontier not in self._views:
            self._views[frontier] = view_of(self._history, standing)
            if len(self._views) > _KEPT_VIEWS:
                self._views.popitem(last=False)
        return self._views[frontier]
