"""Rows remembered in the course of a commit are never older than the last change to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.store import people
from p2pchat.store.database import Database
from p2pchat.store.people import Person
from p2pchat.store.transaction import Transaction

KEY = b"k" * 32
ANN = PersonId(b"a" * 32)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.create(tmp_path / "store.db", KEY) as database:
        database.transact(
            lambda tx: people.add_person(tx, Person(ANN, "ann", "ann", "accepted", False, 0, "", None, 1))
        )
        yield database


def name(tx: Transaction) -> str | None:
    known = people.person(tx, ANN)
    return known.petname if known else None


def test_a_change_is_seen_by_the_next_look(database: Database) -> None:
    def change(tx: Transaction) -> list[str | None]:
        seen = [name(tx)]
        people.rename(tx, ANN, "anna")
        seen.append(name(tx))
        tx.executemany("UPDATE person SET petname = ? WHERE id = ?", [("anne", ANN)])
        seen.append(name(tx))
        tx.execute("DELETE FROM person")
        return [*seen, name(tx)]

    assert database.transact(change).result == ["ann", "anna", "anne", None]


def test_what_was_undone_is_forgotten(database: Database) -> None:
    def change(tx: Transaction) -> str | None:
        with suppress(KeyError), tx.savepoint():
            people.rename(tx, ANN, "anna")
            assert name(tx) == "anna"
            raise KeyError
        return name(tx)

    assert database.transact(change).result == "ann"


def test_what_another_change_of_the_commit_did_is_seen_and_what_it_undid_is_not(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        people.rename(tx, ANN, "nobody")
        assert name(tx) == "nobody"
        raise KeyError

    changes = [name, lambda tx: people.rename(tx, ANN, "anna"), name, fail, name]
    outcomes = database.transact_each(changes)
    assert [one.result for one in outcomes if not isinstance(one, Exception)] == ["ann", None, "anna", "anna"]


def test_nobody_is_remembered_either_until_he_is_added(database: Database) -> None:
    def change(tx: Transaction) -> list[bool]:
        seen = [people.device(tx, DeviceId(b"d" * 32)) is None]
        people.add_device(tx, DeviceId(b"d" * 32), ANN)
        return [*seen, people.device(tx, DeviceId(b"d" * 32)) is None]

    assert database.transact(change).result == [True, False]
