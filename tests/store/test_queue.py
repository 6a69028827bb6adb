"""Rows that wait to be written together are seen, undone and refused as if they had been written at once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import apsw
import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from p2pchat.store.database import Database
from p2pchat.store.transaction import Committed, Reader, Transaction

ADD = "INSERT INTO author (name) VALUES (?)"


def names(reader: Reader) -> list[str]:
    return [name for (name,) in reader.execute("SELECT name FROM author ORDER BY id")]


def queue(*some: str) -> Callable[[Transaction], None]:
    def change(tx: Transaction) -> None:
        for name in some:
            tx.queue(ADD, (name,))

    return change


def test_a_statement_sees_what_was_queued_before_it(database: Database) -> None:
    def change(tx: Transaction) -> list[str]:
        queue("ann", "bob")(tx)
        return names(tx)

    assert database.transact(change).result == ["ann", "bob"]


def test_what_is_queued_is_committed(database: Database) -> None:
    database.transact(queue("ann"))
    database.transact_each([queue("bob"), queue("cat")])
    assert database.read(names) == ["ann", "bob", "cat"]


def test_later_changes_of_a_commit_see_it(database: Database) -> None:
    _, seen = database.transact_each([queue("ann"), names])
    assert isinstance(seen, Committed)
    assert seen.result == ["ann"]


def test_a_row_that_is_refused_fails_the_change_that_queued_it_alone(database: Database) -> None:
    outcomes = database.transact_each([queue("ann"), queue("bob", "ann"), queue("cat")])
    assert [type(outcome) for outcome in outcomes] == [Committed, apsw.ConstraintError, Committed]
    assert database.read(names) == ["ann", "cat"]


def test_a_row_that_looks_for_one_queued_before_it_finds_it(database: Database) -> None:
    note = (
        "INSERT OR IGNORE INTO note (author, body) VALUES ((SELECT id FROM author WHERE name = ?), 'hello')"
    )

    def change(tx: Transaction) -> None:
        queue("ann")(tx)
        assert names(tx) == ["ann"]  # written, so that notes are the first that wait now
        tx.queue(note, ("ann",))
        queue("bob")(tx)
        tx.queue(note, ("bob",))

    database.transact(change)
    assert database.read(lambda tx: tx.execute("SELECT author FROM note ORDER BY id")) == [(1,), (2,)]


def test_what_is_to_be_queued_late_is_queued_once_and_before_it_is_missed(database: Database) -> None:
    calls = []

    def change(tx: Transaction) -> list[str]:
        def late() -> None:
            calls.append(1)
            tx.queue(ADD, ("late",))

        for _ in range(3):
            tx.flush_first("key", frozenset({"author"}), late)
        tx.execute("SELECT 1")
        assert calls == []
        return names(tx)

    assert database.transact(change).result == ["late"]
    assert database.read(names) == ["late"]


STEPS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["queue", "write", "look"]),
    lambda steps: st.tuples(st.sampled_from(["keep", "undo"]), st.lists(steps, max_size=4)),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=8))
def test_queued_and_written_rows_stand_or_fall_with_their_savepoints(
    database: Database, steps: list[Any]
) -> None:
    def change(tx: Transaction) -> None:
        tx.execute("DELETE FROM author")
        model: list[str] = []
        numbers = iter(range(1000))

        def run(some: list[Any]) -> None:
            for step in some:
                match step:
                    case "queue" | "write":
                        name = f"{next(numbers)}"
                        (tx.queue if step == "queue" else tx.execute)(ADD, (name,))
                        model.append(name)
                    case "look":
                        assert names(tx) == model
                    case ("keep", inner):
                        with tx.savepoint():
                            run(inner)
                    case ("undo", inner):
                        before = model.copy()
                        with suppress(ValueError), tx.savepoint():
                            run(inner)
                            raise ValueError
                        model[:] = before

        run(steps)
        assert names(tx) == model

    database.transact(change)
