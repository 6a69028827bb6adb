"""A large group, made at once: the founder writes its log and everybody has it, without a network.

Joining takes the square of the members in entries. Here the first member's node takes the log in as it
takes any, and the rows that came of it are copied into the stores of the others, where they would be the
same. A resolved group is a function of the log alone; all nodes of the process share those that are alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from p2pchat.core.group.group import Group
from p2pchat.core.group.operations import Add, Role
from p2pchat.core.identity import Card
from p2pchat.core.ids import EntryId, GroupId, PersonId
from p2pchat.node.features.group import group_acts, group_log, group_views, groups
from p2pchat.node.features.group.group_cache import GroupCache
from p2pchat.node.features.people import contacts
from p2pchat.store import groups as rows
from p2pchat.store import logs, messages
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader, Row, Transaction
from p2pchat.testing.person import Person
from p2pchat.testing.world import World

_ALIKE: Final = ("conversation", "entry", "head", "bucket")  # the same in every store that holds the log
_OTHERS: Final = {"person": "id", "device": "person"}  # a row for everybody but oneself


class SharedGroups(GroupCache):
    """Resolved groups of all nodes of a process, by what their logs hold."""

    def __init__(self) -> None:
        super().__init__()
        self._by_log: dict[tuple[int, EntryId | None], Group] = {}

    def _load(self, tx: Reader, group: GroupId) -> Group:
        key = logs.operations(tx, group)
        if key not in self._by_log:
            self._loaded.clear()
            self._by_log[key] = super()._load(tx, group)
            self._loaded.clear()  # another log of as many operations would go on from it
        return self._by_log[key]


@dataclass(frozen=True)
class LargeGroup:
    """The group, its people (the founder first), and whether they are level."""

    id: GroupId
    people: list[Person]

    def lagging(self) -> int:
        """How many lack entries that others have, or wait for a key."""
        states = [
            (one.look(_state, self.id), one.look(messages.conversations_waiting)) for one in self.people
        ]
        most = max(state for state, _ in states)
        return sum(state != most or bool(waiting) for state, waiting in states)


def large_group(world: World, name: str, size: int, *, write: str = "member") -> LargeGroup:
    """A group of `size` new people, none of whom is on line yet or knows the others but as members.

    `write` is the least role that may write.
    """
    people = [world.make(f"p{number:04}") for number in range(size)]
    shared = SharedGroups()
    for person in people:
        person.app = replace(person.app, groups=shared)
    founder, first, *others = people
    group = founder.database.transact(lambda tx: _found(tx, people, name, write)).result
    membership = founder.look(rows.get, group)
    assert membership is not None
    entries = founder.look(logs.operations_since, group, 0)

    def take(tx: Transaction) -> None:
        rows.put(tx, membership)
        group_views.begin(first.app, tx, entries[0])
        group_log.take_entries(first.app, tx, group, entries[1:])

    first.database.transact(take)
    alike = {table: first.look(_rows, table) for table in _ALIKE}
    everybody = {
        table: first.look(_rows, table) + founder.look(_rows, table, f"WHERE {column} = ?", first.id)
        for table, column in _OTHERS.items()
    }
    for person in others:
        person.database.transact(partial(_copy, person.id, alike, everybody))
        person.database.transact(lambda tx: rows.put(tx, membership))
    return LargeGroup(group, people)


def _found(tx: Transaction, people: list[Person], name: str, write: str) -> GroupId:
    founder, *others = people
    group = groups.create(founder.app, tx, name, "from-join")
    membership = rows.get(tx, group)
    assert membership is not None
    groups.set_policy(founder.app, tx, membership, {"write": write})
    for other in others:
        card = other.look(other.app.card)
        contacts.meet(founder.app, tx, Card.decode(card), card)
        group_acts.do(founder.app, tx, group, Add(founder.id, other.id, Role.MEMBER, card))
    return group


def _rows(tx: Reader, table: str, where: str = "", *values: bytes) -> list[Row]:
    order = "" if table in ("head", "bucket", "person", "device", "conversation") else "ORDER BY rowid"
    return list(tx.execute(f"SELECT * FROM {table} {where} {order}", values))  # noqa: S608 -- own names


def _copy(
    me: PersonId, alike: dict[str, list[Row]], everybody: dict[str, list[Row]], tx: Transaction
) -> None:
    for table, found in alike.items():
        _insert(tx, table, found)
    for table, found in everybody.items():
        _insert(tx, table, [row for row in found if me not in row])


def _insert(tx: Transaction, table: str, found: list[Row]) -> None:
    marks = ", ".join("?" * len(found[0]))
    tx.executemany(f"INSERT INTO {table} VALUES ({marks})", found)  # noqa: S608 -- own names


def _state(tx: Reader, group: GroupId) -> tuple[int, Any]:
    state = StoredLog(tx, group).state()
    return state.count, state.fingerprint
