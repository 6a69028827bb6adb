"""Fewer debts for a group: circles in which everybody owes and is owed cancel out.

Simplifying is an offer: it gives a set of cycles, each to be cleared by a circulation that all on it
agree to, and what changes for each person. Nobody gets a new creditor, no debt grows, no net position
changes. `cycles` looks for short cycles only and needs nothing else; `optimum` clears as much as can
be cleared, with OR-tools if it is installed: the net positions are supplies, the debts capacities, and
the cheapest flow is what remains (Fleischman, Dini and Littera, "Liquidity-Saving through
Obligation-Clearing and Mutual Credit", 2020).
"""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from p2pchat.errors import UsageError

P = TypeVar("P", bound=Hashable)
MAX_LENGTH: Final = 5  # people who all have to be there for one circulation
_LENGTH_WITHOUT_SOLVER: Final = 6  # reaches two thirds of the optimum among friends; longer ones add little

Debts = Mapping[tuple[P, P], int]  # (debtor, creditor): smallest parts


class Cycle(msgspec.Struct, Generic[P], frozen=True):
    """Each of `people` owes the next, and the last the first: `minor` of every one of these debts goes."""

    people: tuple[P, ...]
    minor: int


class Change(msgspec.Struct, frozen=True):
    """What simplifying means for one person: sums owed and due before and after; the net stays."""

    owes_before: int
    owes_after: int
    due_before: int
    due_after: int


def cycles(debts: Debts[P], *, max_length: int = MAX_LENGTH) -> list[Cycle[P]]:
    """Cycles of up to `max_length` people, found greedily: the shortest through each debt in turn.

    Debtor by debtor, the largest debts first; of the orders tried, this clears most among friends
    whose friends know each other.

    Raises:
        UsageError: a debt of zero or less, or of somebody to himself.
    """
    remaining = _by_debtor(debts)
    found: list[Cycle[P]] = []
    by_size = [
        (debtor, creditor)
        for debtor, owed in remaining.items()
        for creditor in sorted(owed, key=lambda creditor: -owed[creditor])
    ]
    for debtor, creditor in by_size:
        while creditor in remaining[debtor]:
            people = _shortest_path(remaining, creditor, debtor, max_length)
            if people is None:
                break
            found.append(_clear(remaining, people))
    return found


def circles(debts: Debts[P]) -> list[Cycle[P]]:
    """Cycles that circulations can clear, of at most `MAX_LENGTH` people: the better of two ways to look.

    Raises:
        UsageError: a debt of zero or less, or of somebody to himself.
    """
    solved = [cycle for cycle in optimum(debts) if len(cycle.people) <= MAX_LENGTH]
    return max(
        solved, cycles(debts), key=lambda found: sum(len(cycle.people) * cycle.minor for cycle in found)
    )


def optimum(debts: Debts[P]) -> list[Cycle[P]]:
    """Cycles that together clear as much as is possible; with OR-tools absent, short ones as good as it gets.

    Raises:
        UsageError: a debt of zero or less, or of somebody to himself.
    """
    left = least_debts(debts)
    return _decompose({pair: minor - left[pair] for pair, minor in debts.items() if minor > left[pair]})


def least_debts(debts: Debts[P]) -> dict[tuple[P, P], int]:
    """What remains of each debt, zeros included, when as much is cleared as `optimum` clears.

    Raises:
        UsageError: a debt of zero or less, or of somebody to himself.
    """
    _check(debts)
    solver = _load_solver()
    if solver is not None:
        return _cheapest_flow(debts, solver)
    left = apply(debts, cycles(debts, max_length=_LENGTH_WITHOUT_SOLVER))
    return {pair: left.get(pair, 0) for pair in debts}


def route(cycle: Cycle[P], first: P) -> tuple[P, ...]:
    """The order in which a circulation that `first` starts clears `cycle`: each concedes to his debtor.

    Raises:
        UsageError: `first` is not on it.
    """
    if first not in cycle.people:
        raise UsageError("Only somebody on the circle can clear it")
    start = cycle.people.index(first)
    return tuple(reversed((*cycle.people[start + 1 :], *cycle.people[: start + 1])))


def apply(debts: Debts[P], cleared: Iterable[Cycle[P]]) -> dict[tuple[P, P], int]:
    """What is owed after `cleared`, without the debts that are gone.

    Raises:
        UsageError: a cycle takes more than is owed.
    """
    left = dict(debts)
    for cycle in cleared:
        for pair in _pairs(cycle.people):
            left[pair] = left.get(pair, 0) - cycle.minor
            if left[pair] < 0:
                raise UsageError("A cycle clears more than somebody owes")
    return {pair: minor for pair, minor in left.items() if minor}


def changes(debts: Debts[P], cleared: Iterable[Cycle[P]]) -> dict[P, Change]:
    """Before and after, for each person whom it touches."""
    after = apply(debts, cleared)
    owes, due = _sums(debts)
    owes_after, due_after = _sums(after)
    return {
        person: Change(
            owes.get(person, 0), owes_after.get(person, 0), due.get(person, 0), due_after.get(person, 0)
        )
        for person in dict.fromkeys((*owes, *due))
        if owes.get(person, 0) != owes_after.get(person, 0)
    }


def _check(debts: Debts[P]) -> None:
    if any(minor <= 0 or debtor == creditor for (debtor, creditor), minor in debts.items()):
        raise UsageError("A debt is above zero, and owed to somebody else")


def _by_debtor(debts: Debts[P]) -> dict[P, dict[P, int]]:
    _check(debts)
    remaining: dict[P, dict[P, int]] = {}
    for (debtor, creditor), minor in debts.items():
        remaining.setdefault(debtor, {})[creditor] = minor
        remaining.setdefault(creditor, {})
    return remaining


def _shortest_path(remaining: dict[P, dict[P, int]], start: P, goal: P, most: int) -> tuple[P, ...] | None:
    """At most `most` people from `start` to `goal`, each owing the next; breadth first."""
    reached_from: dict[P, P] = {start: start}
    edge = [start]
    for _ in range(most - 1):
        further: list[P] = []
        for person in edge:
            for creditor in remaining[person]:
                if creditor not in reached_from:
                    reached_from[creditor] = person
                    if creditor == goal:
                        return _walk_back(reached_from, start, goal)
                    further.append(creditor)
        edge = further
    return None


def _walk_back(reached_from: dict[P, P], start: P, goal: P) -> tuple[P, ...]:
    path = [goal]
    while path[-1] != start:
        path.append(reached_from[path[-1]])
    return tuple(reversed(path))


def _clear(remaining: dict[P, dict[P, int]], people: tuple[P, ...]) -> Cycle[P]:
    minor = min(remaining[debtor][creditor] for debtor, creditor in _pairs(people))
    for debtor, creditor in _pairs(people):
        remaining[debtor][creditor] -= minor
        if not remaining[debtor][creditor]:
            del remaining[debtor][creditor]
    return Cycle(people, minor)


def _pairs(people: tuple[P, ...]) -> list[tuple[P, P]]:
    return list(zip(people, (*people[1:], people[0]), strict=True))


def _sums(debts: Debts[P]) -> tuple[dict[P, int], dict[P, int]]:
    owes: dict[P, int] = {}
    due: dict[P, int] = {}
    for (debtor, creditor), minor in debts.items():
        owes[debtor] = owes.get(debtor, 0) + minor
        due[creditor] = due.get(creditor, 0) + minor
    return owes, due


def _load_solver() -> Any:
    try:
        module: Any = importlib.import_module("ortools.graph.python.min_cost_flow")
    except ImportError:
        return None
    return module.SimpleMinCostFlow()


def _cheapest_flow(debts: Debts[P], solver: Any) -> dict[tuple[P, P], int]:
    """The smallest debts with the same net positions, none above what it is now."""
    people = {person: index for index, person in enumerate(dict.fromkeys(p for pair in debts for p in pair))}
    net = dict.fromkeys(people, 0)
    for (debtor, creditor), minor in debts.items():
        net[debtor] += minor
        net[creditor] -= minor
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        [people[debtor] for debtor, _creditor in debts],
        [people[creditor] for _debtor, creditor in debts],
        list(debts.values()),
        [1] * len(debts),
    )
    solver.set_nodes_supplies(list(people.values()), list(net.values()))
    status = solver.solve()
    assert status == solver.OPTIMAL, "the debts themselves are a solution, so there is a best one"
    return dict(zip(debts, map(int, solver.flows(arcs)), strict=True))


def _decompose(cleared: dict[tuple[P, P], int]) -> list[Cycle[P]]:
    """Cycles whose sum is `cleared`, in which everybody owes as much as is owed to him.

    Short ones first: a circulation fails when one of its people does not answer.
    """
    found = cycles(cleared)
    remaining = _by_debtor(apply(cleared, found))
    for start in list(remaining):
        path: dict[P, None] = {}
        person = start
        while remaining[person] or path:
            if person in path:
                walked = list(path)
                circle = walked[walked.index(person) :]
                found.append(_clear(remaining, tuple(circle)))
                for gone in circle:
                    del path[gone]
            if not remaining[person]:
                break
            path[person] = None
            person = next(iter(remaining[person]))
    return found
