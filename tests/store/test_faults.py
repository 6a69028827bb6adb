"""The power goes, the process dies or the disk fills at every write and every sync of a run:
what was confirmed is there afterwards, once, and what was not is there wholly or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from p2pchat.core.ids import ConversationId
from p2pchat.errors import StoreError
from p2pchat.files import discard
from p2pchat.store import backup, messages
from p2pchat.store.database import Database
from p2pchat.store.fresh import make
from p2pchat.store.migrate import MIGRATIONS, load
from p2pchat.store.transaction import Reader, Transaction

# Closing a connection on a dead disk fails again, with an error already on its way.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CHANGES = 8
BATCH = [9, 10, 11]
SEEDS = 3
CHAT = b"c" * 32


def add(number: int) -> Callable[[Transaction], None]:
    def change(transaction: Transaction) -> None:
        transaction.execute("INSERT INTO author VALUES (?, ?)", (number, f"author {number}" + "x" * 900))
        body = "y" * 3000 * (number % 3)
        transaction.execute("INSERT INTO note (author, body) VALUES (?, ?)", (number, body))

    return change


def numbers(reader: Reader) -> list[int]:
    authors = [number for (number,) in reader.execute("SELECT id FROM author ORDER BY id")]
    notes = [number for (number,) in reader.execute("SELECT author FROM note ORDER BY id")]
    assert authors == notes, "half a change"
    return authors


def work(database: Database, confirmed: list[int], *, go_on: bool = False) -> None:
    """Single changes, a batch and a checkpoint; `confirmed` has what the store said is safe."""
    try:
        for number in range(1, CHANGES + 1):
            try:
                if number == CHANGES // 2:
                    database.settle()
                database.transact(add(number))
                confirmed.append(number)
            except StoreError:
                if not go_on:
                    raise
        try:
            database.transact_each([add(number) for number in BATCH])
            confirmed += BATCH
        except StoreError:
            if not go_on:
                raise
    finally:
        with contextlib.suppress(StoreError):
            database.close()


def sound(database: Database) -> bool:
    return database.read(lambda r: r.one("PRAGMA integrity_check")) == ("ok",)


@pytest.fixture
def operations(disk, path, key, migrations) -> int:
    """How many operations the work takes when nothing fails."""
    Database.create(path, key, migrations=migrations).close()
    kept = path.read_bytes()
    with disk.mounted():
        work(Database.open(path, key, migrations=migrations), [])
    path.write_bytes(kept)
    return disk.operations


def restore(path: Path, content: bytes) -> None:
    for file in path.parent.glob("store.db*"):
        file.unlink()
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_power_lost_at_any_write_or_sync_loses_nothing_confirmed(
    disk, path, key, migrations, operations, seed: int
) -> None:
    fresh = path.read_bytes()
    survived = 0
    for point in range(1, operations + 1):
        restore(path, fresh)
        confirmed: list[int] = []
        with disk.mounted(cut_at=point), contextlib.suppress(StoreError):
            work(Database.open(path, key, migrations=migrations), confirmed)
        assert disk.was_cut
        disk.lose_power(seed * 1000 + point)
        with Database.open(path, key, migrations=migrations) as database:
            found = database.read(numbers)
            assert sound(database), f"operation {point}"
        unconfirmed = found[len(confirmed) :]
        assert found[: len(confirmed)] == confirmed, f"operation {point}"
        assert unconfirmed in ([], [len(confirmed) + 1], BATCH), f"operation {point}"
        survived += len(confirmed)
    assert survived > operations  # the run did get somewhere before it was cut


def test_a_process_killed_at_any_write_or_sync_loses_nothing_confirmed(
    disk, path, key, migrations, operations
) -> None:
    fresh = path.read_bytes()
    for point in range(1, operations + 1):
        restore(path, fresh)
        confirmed: list[int] = []
        with disk.mounted(cut_at=point), contextlib.suppress(StoreError):
            work(Database.open(path, key, migrations=migrations), confirmed)
        assert disk.was_cut
        with Database.open(path, key, migrations=migrations) as database:
            assert database.read(numbers)[: len(confirmed)] == confirmed, f"operation {point}"
            assert sound(database), f"operation {point}"


@pytest.mark.parametrize("failure", [apsw.FullError, apsw.IOError])
@pytest.mark.parametrize("lasts", [1, 7])
def test_a_disk_that_fails_for_a_while_costs_only_the_changes_it_refused(
    disk, path, key, migrations, operations, failure, lasts: int
) -> None:
    fresh = path.read_bytes()
    for point in range(1, operations - lasts):
        restore(path, fresh)
        confirmed: list[int] = []
        with disk.mounted(fail_at=range(point, point + lasts), failure=failure):
            try:
                database = Database.open(path, key, migrations=migrations)
            except StoreError:
                continue  # it failed while opening: the same as never having begun
            work(database, confirmed, go_on=True)
        with Database.open(path, key, migrations=migrations) as database:
            found = database.read(numbers)
            assert sound(database), f"operation {point}"
        # A commit whose sync failed may have reached the disk all the same, if none came after it.
        refused = found[len(confirmed) :]
        assert found[: len(confirmed)] == confirmed, f"operation {point}"
        assert refused in ([], BATCH) or len(refused) == 1, f"operation {point}"
        assert not confirmed or not refused or refused[0] > confirmed[-1], f"operation {point}"


SECOND = """
CREATE TABLE author_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER NOT NULL) STRICT;
INSERT INTO author_new SELECT id, name, 7 FROM author;
DROP TABLE author;
ALTER TABLE author_new RENAME TO author;
"""


@pytest.mark.parametrize("seed", range(SEEDS))
def test_power_lost_at_any_point_of_a_migration_leaves_a_whole_store(
    disk, path, key, migrations, seed: int
) -> None:
    with Database.create(path, key, migrations=migrations) as database:
        for number in range(1, 4):
            database.transact(add(number))
    kept = path.read_bytes()
    (migrations / "0002_age.sql").write_text(SECOND)
    (migrations / "0003_place.sql").write_text(
        "ALTER TABLE author ADD COLUMN place TEXT NOT NULL DEFAULT '';"
    )
    point = 0
    while True:
        point += 1
        restore(path, kept)
        try:
            with disk.mounted(cut_at=point):
                Database.open(path, key, migrations=migrations).close()
        except StoreError:
            disk.lose_power(seed * 1000 + point)
        if not disk.was_cut:
            break
        with Database.open(path, key, migrations=migrations) as database:
            assert database.read(numbers) == [1, 2, 3], f"operation {point}"
            ages = database.read(lambda r: r.execute("SELECT DISTINCT age, place FROM author"))
            assert ages == [(7, "")]
            assert sound(database)
    assert point > 10


def test_power_lost_at_any_point_of_our_own_migrations_keeps_what_was_written(disk, path, key) -> None:
    old = make(path, key, load(MIGRATIONS)[:1])
    old.execute("INSERT INTO conversation (id, kind, read_lamport) VALUES (?, 'direct', 2)", (CHAT,))
    for number in range(1, 40):
        old.execute(
            """INSERT INTO message
               (id, conversation, lamport, device, person, mine, kind, text, sent_ms, received_ms)
               VALUES (?1, ?2, ?3, ?1, ?1, 0, 'text', ?4, 0, 0)""",
            (bytes([number]) * 32, CHAT, number, f"word{number} " * 50),
        )
    old.close()
    kept, point = path.read_bytes(), 0
    while not point or disk.was_cut:
        point += 1
        restore(path, kept)
        try:
            with disk.mounted(cut_at=point):
                Database.open(path, key).close()
        except StoreError:
            disk.lose_power(point)
        with Database.open(path, key) as database:
            assert database.read(lambda tx: messages.unread(tx, ConversationId(CHAT))) == 37
            (found,) = database.read(lambda tx: messages.search(tx, ["word17"], limit=9))
            assert found.lamport == 17
            assert sound(database)
    assert point > 10


def test_power_lost_at_any_point_of_making_a_store_leaves_none_or_a_whole_one(
    disk, path, key, migrations
) -> None:
    point = 0
    while True:
        point += 1
        for file in path.parent.glob("store.db*"):
            file.unlink()
        try:
            with disk.mounted(cut_at=point):
                Database.create(path, key, migrations=migrations).close()
        except StoreError:
            disk.lose_power(point)
        if not disk.was_cut:
            break
        opened = Database.open if path.exists() else Database.create
        with opened(path, key, migrations=migrations) as database:
            assert database.read(numbers) == []
            database.transact(add(1))
            assert sound(database)
    assert point > 10


def test_a_torn_wal_ends_at_its_last_whole_commit(path, key, migrations) -> None:
    database = Database.create(path, key, migrations=migrations)
    ends = []
    wal = path.with_name("store.db-wal")
    for number in range(1, 6):
        database.transact(add(number))
        ends.append(wal.stat().st_size)
    log, main = wal.read_bytes(), path.read_bytes()
    database.close()
    for length in range(0, len(log), 1111):
        restore(path, main)
        wal.write_bytes(log[:length])
        with Database.open(path, key, migrations=migrations) as database:
            whole = sum(end <= length for end in ends)
            assert database.read(numbers) == list(range(1, whole + 1))
            assert sound(database)
    for position in range(0, len(log), 1111):
        restore(path, main)
        wal.write_bytes(log[:position] + bytes([log[position] ^ 1]) + log[position + 1 :])
        with Database.open(path, key, migrations=migrations) as database:
            found = database.read(numbers)
            assert found == list(range(1, len(found) + 1))
            assert sound(database)


def nothing(transaction: Transaction) -> None:
    pass


@pytest.mark.parametrize("seed", range(SEEDS))
def test_power_lost_at_any_point_of_a_backup_leaves_none_or_a_whole_one(
    disk, path, key, migrations, monkeypatch, seed: int
) -> None:
    monkeypatch.setattr(backup, "discard", lambda path: disk.dead or discard(path))  # the dead do not tidy up
    with Database.create(path, key, migrations=migrations) as database:
        database.transact(add(1))
    file, point = path.with_name("everything"), 0
    while not point or disk.was_cut:
        point += 1
        file.unlink(missing_ok=True)
        with disk.mounted(cut_at=point), contextlib.suppress(StoreError):
            database = Database.open(path, key, migrations=migrations)
            with contextlib.closing(database):
                backup.create(database, file, key, created_ms=0)
        disk.lose_power(seed * 1000 + point)
        with Database.open(path, key, migrations=migrations) as database:
            assert database.read(numbers) == [1]
            if not file.exists():
                backup.create(database, file, key, created_ms=0)
        backup.verify(file, key)
    assert point > 10


@pytest.mark.parametrize("seed", range(SEEDS))
def test_power_lost_at_any_point_of_restoring_leaves_no_store_or_a_whole_one(
    disk, path, key, migrations, monkeypatch, seed: int
) -> None:
    monkeypatch.setattr(backup, "discard", lambda path: disk.dead or discard(path))
    file, restored, point = path.with_name("everything"), path.with_name("restored.db"), 0
    with Database.create(path, key, migrations=migrations) as database:
        database.transact(add(1))
        backup.create(database, file, key, created_ms=0)
    while not point or disk.was_cut:
        point += 1
        restored.unlink(missing_ok=True)
        with disk.mounted(cut_at=point), contextlib.suppress(StoreError):
            backup.restore(file, key, restored, key, adopt=add(2), migrations=migrations)
        disk.lose_power(seed * 1000 + point)
        if not restored.exists():
            backup.restore(file, key, restored, key, adopt=add(2), migrations=migrations)
        with Database.open(restored, key, migrations=migrations) as database:
            assert database.read(numbers) == [1, 2]
            assert sound(database)
    assert point > 10
