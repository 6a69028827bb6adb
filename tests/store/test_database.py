"""The store keeps what it confirmed, undoes what failed, and says clearly why it does not open."""

from __future__ import annotations

import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from p2pchat.errors import StoreError
from p2pchat.store.database import Database
from p2pchat.store.sqlite import connect
from p2pchat.store.transaction import Committed, Reader, Transaction

MARKER = "a sentence that must not be found on the disk"


def add_author(name: str):
    def change(transaction: Transaction) -> int:
        transaction.effects.append(f"added {name}")
        row = transaction.one("INSERT INTO author (name) VALUES (?) RETURNING id", (name,))
        assert row is not None
        return row[0]

    return change


def names(reader: Reader) -> list[str]:
    return [name for (name,) in reader.execute("SELECT name FROM author ORDER BY id")]


def test_a_change_gives_its_result_and_effects_once_it_is_committed(database: Database) -> None:
    assert database.transact(add_author("ann")) == Committed(1, ["added ann"])
    assert database.read(names) == ["ann"]


def test_what_was_committed_is_there_after_opening_again(database, path, key, migrations) -> None:
    database.transact(add_author("ann"))
    database.close()
    with Database.open(path, key, migrations=migrations) as again:
        assert again.read(names) == ["ann"]


def test_a_change_that_raises_leaves_nothing_and_the_store_usable(database: Database) -> None:
    def fails(transaction: Transaction) -> None:
        add_author("ann")(transaction)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        database.transact(fails)
    assert database.read(names) == []
    assert database.transact(add_author("bob")).result == 1


def test_a_reader_sees_one_moment_while_the_writer_goes_on(database: Database) -> None:
    database.transact(add_author("ann"))

    def query(reader: Reader) -> tuple[list[str], list[str]]:
        before = names(reader)
        other = threading.Thread(target=database.transact, args=(add_author("bob"),))
        other.start()
        other.join()
        return before, names(reader)

    assert database.read(query) == (["ann"], ["ann"])
    assert database.read(names) == ["ann", "bob"]


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError, match="read-only"):
        database.read(lambda reader: reader.execute("INSERT INTO author (name) VALUES ('ann')"))


def test_one_failing_change_of_a_batch_is_undone_alone(database: Database) -> None:
    def fails(transaction: Transaction) -> None:
        add_author("mallory")(transaction)
        raise KeyError("no")

    first, second, third = database.transact_each([add_author("ann"), fails, add_author("bob")])
    assert isinstance(second, KeyError)
    assert (first, third) == (Committed(1, ["added ann"]), Committed(2, ["added bob"]))
    assert database.read(names) == ["ann", "bob"]


def test_a_broken_constraint_of_a_batch_is_undone_alone(database: Database) -> None:
    def dangles(transaction: Transaction) -> None:
        transaction.execute("INSERT INTO note (author, body) VALUES (99, 'refers to nobody')")

    outcomes = database.transact_each([add_author("ann"), add_author("ann"), dangles, add_author("bob")])
    assert [type(outcome) for outcome in outcomes] == [
        Committed,
        apsw.ConstraintError,
        apsw.ConstraintError,
        Committed,
    ]
    assert database.read(names) == ["ann", "bob"]
    assert database.read(lambda reader: reader.one("SELECT count(*) FROM note")) == (0,)


def test_transactions_do_not_nest(database: Database) -> None:
    with pytest.raises(AssertionError, match="nest"):
        database.transact(lambda _: database.transact(add_author("ann")))


def test_changes_and_reads_make_no_cursors_that_would_pile_up(database: Database) -> None:
    for number in range(100):
        database.transact(add_author(f"alone {number}"))
        database.transact_each([add_author(f"together {number}")])
        database.read(names)
    assert sys.getrefcount(database._writer) < 10  # one more for each cursor there ever was beside it


def test_rows_that_fail_half_way_leave_nothing_and_the_store_usable(database: Database) -> None:
    def rows() -> Iterator[tuple[str]]:
        yield ("ann",)
        raise ValueError("no")

    def change(transaction: Transaction) -> None:
        transaction.executemany("INSERT INTO author (name) VALUES (?)", rows())

    with pytest.raises(ValueError, match="no"):
        database.transact(change)
    failed, added = database.transact_each([change, add_author("bob")])
    assert isinstance(failed, ValueError)
    assert added == Committed(1, ["added bob"])
    assert database.read(names) == ["bob"]


def test_executemany_runs_once_for_each_row(database: Database) -> None:
    database.transact(
        lambda transaction: transaction.executemany(
            "INSERT INTO author (name) VALUES (:name)", [{"name": "ann"}, {"name": "bob"}]
        )
    )
    assert database.read(names) == ["ann", "bob"]


def test_commits_wait_for_the_disk_and_deleted_rows_are_overwritten(database: Database) -> None:
    def settings(reader: Reader) -> list[object]:
        pragmas = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "temp_store", "cipher")
        return [reader.execute(f"PRAGMA {pragma}")[0][0] for pragma in pragmas]

    full, memory = 2, 2
    expected = ["wal", full, 1, 1, memory, "chacha20"]
    assert settings(Reader(database._writer)) == expected
    assert database.read(settings) == expected


def test_nothing_on_the_disk_is_in_the_clear(database: Database, path: Path) -> None:
    database.transact(add_author(MARKER))
    wal = path.with_name("store.db-wal")
    assert wal.stat().st_size > 0
    database.settle()
    assert wal.stat().st_size == 0
    database.transact(add_author(MARKER * 2))
    for file in path.parent.glob("store.db*"):
        data = file.read_bytes()
        assert MARKER.encode() not in data
        assert b"CREATE TABLE" not in data


def test_every_file_of_the_store_is_private(database: Database, path: Path) -> None:
    database.transact(add_author("ann"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("store.db*")}
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_creating_over_something_is_refused_and_changes_nothing(path: Path, key: bytes) -> None:
    path.write_bytes(b"precious")
    with pytest.raises(StoreError, match="already"):
        Database.create(path, key)
    assert path.read_bytes() == b"precious"


def test_a_half_made_store_of_a_crash_is_no_obstacle(path: Path, key: bytes, migrations: Path) -> None:
    path.with_name("store.db.new").write_bytes(b"half a page")
    path.with_name("store.db.new-wal").write_bytes(b"half a frame")
    with Database.create(path, key, migrations=migrations) as database:
        assert database.read(names) == []
    assert [file.name for file in path.parent.glob("store.db*")] == ["store.db"]


def test_the_wal_of_a_store_that_is_gone_does_not_get_into_a_new_one(database, path, key, migrations) -> None:
    database.transact(add_author("ghost"))
    wal = path.with_name("store.db-wal")
    stale = wal.read_bytes()
    database.close()
    path.unlink()
    wal.write_bytes(stale)
    with Database.create(path, key, migrations=migrations) as fresh:
        assert fresh.read(names) == []


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(StoreError, match=r"cannot be made at .*: No such file or directory"):
        Database.create(tmp_path / "nowhere" / "store.db", key)
    with pytest.raises(StoreError, match="There is no store at"):
        Database.open(tmp_path / "nowhere" / "store.db", key)


def test_another_key_does_not_open_the_store(database, path, migrations) -> None:
    database.close()
    with pytest.raises(StoreError, match="the key is another store's"):
        Database.open(path, bytes(32), migrations=migrations)


def test_one_wrong_bit_in_a_page_is_seen_and_never_given_out(database, path, key, migrations) -> None:
    database.transact_each([add_author(f"author {number} of many") for number in range(2000)])
    database.close()
    data = bytearray(path.read_bytes())
    pages = range(4 * 4096, len(data), 4096)  # the first hold the schema and the roots
    for page in pages:
        data[page + 100] ^= 1
    path.write_bytes(data)
    with (
        Database.open(path, key, migrations=migrations) as damaged,
        pytest.raises(StoreError, match="doctor --repair"),
    ):
        damaged.read(lambda reader: reader.execute("SELECT * FROM author"))


@pytest.mark.parametrize("content", [b"", b"hello", b"hello" * 10_000], ids=["empty", "short", "long"])
def test_what_is_no_store_is_refused_and_left_alone(path: Path, key: bytes, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError):
        Database.open(path, key)
    assert path.read_bytes() == content


def test_an_unencrypted_database_is_refused(path: Path, key: bytes) -> None:
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE t (x)")
    plain.close()
    with pytest.raises(StoreError, match="does not open"):
        Database.open(path, key)


def test_an_encrypted_database_of_another_program_is_refused(path: Path, key: bytes) -> None:
    path.touch()
    other = connect(path, key)
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreError, match="not a p2pchat store"):
        Database.open(path, key)


def test_a_store_that_another_process_writes_is_said_to_be_in_use(database, path, key, migrations) -> None:
    with Database.open(path, key, migrations=migrations) as other:
        other._connection.set_busy_timeout(1)
        database._writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="in use by another process"):
            other.transact(add_author("ann"))
        database._writer.execute("ROLLBACK")


def test_the_key_is_not_shown(database: Database, key: bytes) -> None:
    assert key.hex() not in repr(vars(database)["path"]) + repr(database)


def test_full_text_search_is_built_in(database: Database) -> None:
    database.transact(lambda t: t.execute("CREATE VIRTUAL TABLE found USING fts5(body)"))
    database.transact(lambda t: t.execute("INSERT INTO found VALUES ('the quick brown fox')"))
    assert database.read(lambda r: r.one("SELECT count(*) FROM found WHERE found MATCH 'quick'")) == (1,)


def test_closing_twice_is_harmless(database: Database) -> None:
    database.close()
    database.close()
