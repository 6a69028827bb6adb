"""Resolved groups in memory: who is in, at any point of a group's log, without reading it anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from p2pchat.core.group.graph import Act, ActGraph, Frontier, read_act
from p2pchat.core.group.group import Group
from p2pchat.core.group.view import GroupView
from p2pchat.core.ids import EntryId, GroupId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.errors import ProtocolError
from p2pchat.store import logs
from p2pchat.store.transaction import Reader


@dataclass(slots=True)
class _Loaded:
    group: Group
    count: int  # operations taken in
    last: EntryId | None


class Parting:
    """Tells entries that were written by those who count a person out from those before."""

    def __init__(self, is_out: Callable[[Frontier], bool], graph: ActGraph, lock: threading.Lock) -> None:
        self._is_out = is_out
        self._graph = graph
        self._lock = lock

    def knows(self, entry: EntryId, frontier: Frontier) -> bool:
        """Whether the author of `entry`, which stands behind `frontier`, counted the person out."""
        with self._lock:
            number = self._graph.number(entry)  # an operation stands behind itself
            return self._is_out(frontier if number is None else self._graph.acts[number].after)


class GroupCache:
    """Answers from memory if that is what the transaction sees; else it reads what is new, or all.

    Queries run in several threads and see different moments of the log; a lock keeps them apart, and what
    leaves it are immutable views.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[GroupId, _Loaded] = {}

    def view(self, tx: Reader, group: GroupId) -> GroupView:
        """The group after all operations that `tx` sees; at least the genesis must be stored."""
        with self._lock:
            return self._load(tx, group).view()

    def view_after(self, tx: Reader, group: GroupId, frontier: Frontier) -> GroupView:
        """The group as somebody sees it who knows `frontier`. Raises ProtocolError if we do not."""
        with self._lock:
            return self._load(tx, group).view_after(frontier)

    def frontier(self, tx: Reader, group: GroupId, referred: Iterable[EntryId]) -> Frontier:
        """The newest operations that an entry knows which refers to `referred`."""
        known = [logs.knows(tx, id) for id in referred]
        if not known:
            return frozenset()
        with self._lock:
            return self._load(tx, group).graph.frontier(known)

    def acts_known(self, tx: Reader, group: GroupId, frontier: Frontier) -> list[Act]:
        """All operations in the past of `frontier` and those in it, effective or not."""
        with self._lock:
            graph = self._load(tx, group).graph
            mask = graph.closure(frontier)
            return [act for number, act in enumerate(graph.acts) if mask >> number & 1]

    def acts(self, tx: Reader, group: GroupId) -> list[Act]:
        """All operations in display order, effective or not."""
        with self._lock:
            return sorted(self._load(tx, group).graph.acts, key=lambda act: act.position)

    def act(self, tx: Reader, group: GroupId, id: EntryId) -> Act | None:
        """The stored operation `id`, or None."""
        with self._lock:
            graph = self._load(tx, group).graph
            number = graph.number(id)
            return None if number is None else graph.acts[number]

    def parting(self, tx: Reader, group: GroupId, person: PersonId) -> Parting | None:
        """Which entries know that `person` is out who was in; None unless that is so."""
        with self._lock:
            resolved = self._load(tx, group)
            is_out = resolved.parting(person)
            return None if is_out is None else Parting(is_out, resolved.graph, self._lock)

    def stands(self, tx: Reader, group: GroupId, id: EntryId) -> bool:
        """Whether the stored operation `id` has an effect, given all others."""
        with self._lock:
            resolved = self._load(tx, group)
            number = resolved.graph.number(id)
            return number is not None and resolved.stands(resolved.graph.acts[number])

    def _load(self, tx: Reader, group: GroupId) -> Group:
        count, last = logs.operations(tx, group)
        known = self._loaded.get(group)
        if known and (known.count, known.last) == (count, last):
            return known.group
        if known and known.count < count:
            entries = logs.operations_since(tx, group, known.count - 1)
            if entries and entries[0].id == known.last:
                _take(tx, known.group, entries[1:])
                known.count, known.last = count, last
                return known.group
        genesis, *others = logs.operations_since(tx, group, 0)
        resolved = Group(read_act(genesis, frozenset()))
        _take(tx, resolved, others)
        self._loaded[group] = _Loaded(resolved, count, last)
        return resolved


def _take(tx: Reader, group: Group, entries: Iterable[Entry]) -> None:
    for entry in entries:
        known = [logs.knows(tx, id) for id in entry.header.referred]
        try:
            group.add(read_act(entry, group.graph.frontier(known)))
        except ProtocolError:  # no operation of this version: it stays in the log and does nothing
            continue
