"""What can be a hook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pchat.errors import NotFoundError, QuotaError, UsageError
from p2pchat.node.features import hooks
from p2pchat.node.features.hooks import Hook
from p2pchat.store.database import Database

KEY = b"k" * 32
HERE = "http://127.0.0.1/"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.create(tmp_path / "store.db", KEY) as database:
        yield database


@pytest.mark.parametrize(
    "hook",
    [
        Hook("", HERE),
        Hook("a b", HERE),
        Hook("../x", HERE),
        Hook("x"),
        Hook("x", HERE, ("true",)),
        Hook("x", command=("true",) * 65),
        Hook("x", HERE, only=("Message Received",)),
    ],
)
def test_what_cannot_be_called_is_refused(database: Database, hook: Hook) -> None:
    with pytest.raises(UsageError):
        database.transact(lambda tx: hooks.add(tx, hook))
    assert database.read(hooks.everyone) == []


def test_hooks_are_bounded_and_who_is_removed_is_done_with_nothing(database: Database) -> None:
    for number in range(hooks.MAX_HOOKS):
        database.transact(lambda tx, n=number: hooks.add(tx, Hook(f"x{n}", HERE)))
    with pytest.raises(QuotaError):
        database.transact(lambda tx: hooks.add(tx, Hook("more", HERE)))
    database.transact(lambda tx: hooks.took(tx, "x0", 7))
    assert database.read(lambda tx: hooks.cursor(tx, "x0")) == 7
    database.transact(lambda tx: hooks.remove(tx, "x0"))
    database.transact(lambda tx: hooks.took(tx, "x0", 9))  # it was still being called
    database.transact(lambda tx: hooks.add(tx, Hook("x0", HERE)))
    assert database.read(lambda tx: hooks.cursor(tx, "x0")) == 0
    with pytest.raises(NotFoundError):
        database.transact(lambda tx: hooks.remove(tx, "nobody"))
