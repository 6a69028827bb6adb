"""One group: give it acts as they are stored, ask it who is in."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from p2pchat.core.group.authority import is_allowed
from p2pchat.core.group.graph import Act, ActGraph, Frontier
from p2pchat.core.group.history import History
from p2pchat.core.group.resolver import resolve
from p2pchat.core.group.view import GroupView, view_of
from p2pchat.core.ids import GroupId
from p2pchat.errors import ProtocolError

_KEPT_VIEWS: Final = 64  # messages in flight know one of the last few


class Group:
    """Grow-only; the same acts in any order that respects what they know give the same views."""

    def __init__(self, genesis: Act) -> None:
        """A group with nobody in it but its founder.

        Raises:
            ProtocolError: `genesis` does not found a group.
        """
        self.graph = ActGraph(GroupId(genesis.id))
        self._history = History(self.graph)
        self._views: OrderedDict[Frontier, GroupView] = OrderedDict()
        self.frontier: Frontier = frozenset([genesis.id])
        self._history.add(self.graph.add(genesis))
        self._standing = resolve(self._history, 1)
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
        everything = (1 << number + 1) - 1
        if self.graph.past(number) | 1 << number == everything:
            # It knows every other act: nothing voids it, and it voids nothing.
            self._standing |= is_allowed(self._history, number, self._standing) << number
        else:
            self._standing = resolve(self._history, everything)
        self.frontier = self.graph.frontier([self.frontier, frozenset([act.id])])

    def stands(self, act: Act) -> bool:
        """Whether `act`, given all acts so far, has an effect."""
        number = self.graph.number(act.id)
        return number is not None and bool(self._standing >> number & 1)

    def view(self) -> GroupView:
        """The group after all acts."""
        return self._cached(self.frontier, self._standing)

    def view_after(self, frontier: Frontier) -> GroupView:
        """The group as it is for somebody who knows the acts of `frontier` and no later ones.

        Raises:
            ProtocolError: one of them is not here.
        """
        if frontier == self.frontier:
            return self.view()
        if frontier not in self._views:
            return self._cached(frontier, resolve(self._history, self.graph.closure(frontier)))
        return self._views[frontier]

    def _cached(self, frontier: Frontier, standing: int) -> GroupView:
        if frontier not in self._views:
            self._views[frontier] = view_of(self._history, standing)
            if len(self._views) > _KEPT_VIEWS:
                self._views.popitem(last=False)
        return self._views[frontier]
