"""A backup is all of the store at one moment, gives nothing away, and comes back whole or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest

from p2pchat.errors import StoreError
from p2pchat.store import backup
from p2pchat.store.backup import Description, create, restore, verify
from p2pchat.store.database import Database
from p2pchat.store.transaction import Reader, Transaction

BACKUP_KEY = bytes(range(100, 132))
NEW_KEY = bytes(range(200, 232))
MARKER = "a sentence that must not be found in the backup"


def names(reader: Reader) -> list[str]:
    return [name for (name,) in reader.execute("SELECT name FROM author ORDER BY id")]


def add(name: str):
    def change(transaction: Transaction) -> None:
        transaction.execute("INSERT INTO author (name) VALUES (?)", (name,))

    return change


def nothing(transaction: Transaction) -> None:
    pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "everything.backup"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh home."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def made(database: Database, file: Path) -> Description:
    database.transact_each([add("ann"), add(MARKER)])
    return create(database, file, BACKUP_KEY, created_ms=1_800_000_000_000)


def test_a_backup_comes_back_as_it_was_under_a_new_key(made, file, home, migrations) -> None:
    description = restore(file, BACKUP_KEY, home / "store.db", NEW_KEY, adopt=nothing, migrations=migrations)
    assert description == made
    with Database.open(home / "store.db", NEW_KEY, migrations=migrations) as restored:
        assert restored.read(names) == ["ann", MARKER]
        restored.transact(add("bob"))
    assert [entry.name for entry in home.iterdir()] == ["store.db"]


def test_a_backup_says_what_it_is(made, file) -> None:
    assert verify(file, BACKUP_KEY) == made
    assert (made.created_ms, made.store_version) == (1_800_000_000_000, 1)
    assert 0 < file.stat().st_size - made.size_bytes < 400


def test_a_backup_shows_nothing_and_is_private(made, file, key) -> None:
    content = file.read_bytes()
    for secret in (MARKER.encode(), b"CREATE TABLE", key, BACKUP_KEY):
        assert secret not in content
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.parent.glob("everything*")] == [file.name]


def test_two_backups_of_the_same_share_no_page(database, made, file) -> None:
    other = file.with_name("other.backup")
    create(database, other, BACKUP_KEY, created_ms=1_800_000_000_000)
    first, second = file.read_bytes(), other.read_bytes()
    assert not {first[at : at + 64] for at in range(0, made.size_bytes, 64)} & {
        second[at : at + 64] for at in range(0, made.size_bytes, 64)
    }


def test_changes_go_on_during_a_backup_and_are_not_in_half(database, file, home, migrations) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1

            def pair(transaction: Transaction, number: int = number) -> None:
                add(f"left {number}")(transaction)
                add(f"right {number}")(transaction)

            database.transact(pair)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for attempt in range(5):
            create(database, file, BACKUP_KEY, created_ms=0)
            restore(file, BACKUP_KEY, home / f"{attempt}.db", NEW_KEY, adopt=nothing, migrations=migrations)
            file.unlink()
    finally:
        stop.set()
        writer.join()
    for attempt in range(5):
        with Database.open(home / f"{attempt}.db", NEW_KEY, migrations=migrations) as restored:
            found = restored.read(names)
        assert len(found) % 2 == 0


def test_an_old_backup_is_brought_to_the_present_version(made, file, home, migrations) -> None:
    (migrations / "0002_age.sql").write_text("ALTER TABLE author ADD COLUMN age INTEGER NOT NULL DEFAULT 7;")
    restore(file, BACKUP_KEY, home / "store.db", NEW_KEY, adopt=nothing, migrations=migrations)
    with Database.open(home / "store.db", NEW_KEY, migrations=migrations) as restored:
        assert restored.read(lambda r: r.one("SELECT name, age FROM author")) == ("ann", 7)


def test_a_backup_of_a_newer_store_is_refused(tmp_path, made, file, home) -> None:
    older = tmp_path / "older"
    older.mkdir()
    with pytest.raises(StoreError, match="newer p2pchat"):
        restore(file, BACKUP_KEY, home / "store.db", NEW_KEY, adopt=nothing, migrations=older)
    assert list(home.iterdir()) == []


def test_what_must_not_live_twice_ends_before_the_store_appears(made, file, home, migrations) -> None:
    def adopt(transaction: Transaction) -> None:
        assert not (home / "store.db").exists()
        transaction.execute("DELETE FROM author WHERE name = 'ann'")

    restore(file, BACKUP_KEY, home / "store.db", NEW_KEY, adopt=adopt, migrations=migrations)
    with Database.open(home / "store.db", NEW_KEY, migrations=migrations) as restored:
        assert restored.read(names) == [MARKER]


def test_an_adoption_that_fails_restores_nothing(made, file, home, migrations) -> None:
    def adopt(transaction: Transaction) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        restore(file, BACKUP_KEY, home / "store.db", NEW_KEY, adopt=adopt, migrations=migrations)
    assert list(home.iterdir()) == []


def test_every_wrong_byte_and_every_missing_byte_is_seen(made, file, home, migrations) -> None:
    content = file.read_bytes()
    database_part = range(0, made.size_bytes, made.size_bytes // 20)
    for position in [*database_part, *range(made.size_bytes, len(content))]:
        file.write_bytes(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        with pytest.raises(StoreError):
            verify(file, BACKUP_KEY)
    for length in [*database_part, *range(len(content) - 40, len(content))]:
        file.write_bytes(content[:length])
        with pytest.raises(StoreError):
            verify(file, BACKUP_KEY)
    with pytest.raises(StoreError):
        restore(file, BACKUP_KEY, home / "store.db", NEW_KEY, adopt=nothing, migrations=migrations)
    assert list(home.iterdir()) == []


def test_a_part_of_another_backup_does_not_fit(database, made, file) -> None:
    other = file.with_name("other.backup")
    create(database, other, BACKUP_KEY, created_ms=0)
    spliced = file.read_bytes()[: made.size_bytes] + other.read_bytes()[made.size_bytes :]
    file.write_bytes(spliced)
    with pytest.raises(StoreError, match="damaged"):
        verify(file, BACKUP_KEY)


def test_another_key_another_file_and_no_file_are_clear_errors(made, file) -> None:
    with pytest.raises(StoreError, match="does not open with this key"):
        verify(file, NEW_KEY)
    with pytest.raises(StoreError, match="cannot be read: No such file"):
        verify(file.with_name("nothing"), BACKUP_KEY)
    for content in (b"", b"short", b"x" * 5000):
        file.write_bytes(content)
        with pytest.raises(StoreError, match="not a p2pchat backup"):
            verify(file, BACKUP_KEY)


def test_a_backup_of_a_newer_format_is_refused(made, file) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"\x02")
    with pytest.raises(StoreError, match="made by a newer p2pchat"):
        verify(file, BACKUP_KEY)


def test_nothing_that_exists_is_overwritten(database, made, file, home, key, migrations) -> None:
    with pytest.raises(StoreError, match="already"):
        create(database, file, BACKUP_KEY, created_ms=0)
    with pytest.raises(StoreError, match="already"):
        restore(file, BACKUP_KEY, database.path, NEW_KEY, adopt=nothing, migrations=migrations)
    assert database.read(names) == ["ann", MARKER]


def test_a_damaged_store_is_not_passed_off_as_a_backup(database, path, file, key, migrations) -> None:
    database.transact_each([add(f"author {number} of many") for number in range(2000)])
    database.close()
    content = bytearray(path.read_bytes())
    content[10 * 4096 + 100] ^= 1
    path.write_bytes(content)
    with (
        Database.open(path, key, migrations=migrations) as damaged,
        pytest.raises(StoreError, match="doctor --repair"),
    ):
        create(damaged, file, BACKUP_KEY, created_ms=0)
    assert not file.exists()


def test_a_folder_that_is_not_there_is_a_clear_error(database, made, file, tmp_path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        create(database, tmp_path / "nowhere" / "b", BACKUP_KEY, created_ms=0)
    with pytest.raises(StoreError, match="No such file"):
        restore(file, BACKUP_KEY, tmp_path / "nowhere" / "store.db", NEW_KEY, adopt=nothing)


class Crash(BaseException):
    """The process dies here: nothing runs after it, not even what tidies up."""


STEPS = ["publish", "discard", "copy_all", "connect", "seal", "digest_of", "_verified", "_check"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_step_leaves_no_half_backup_and_no_half_store(
    database, file, home, migrations, monkeypatch, step: str, after: bool
) -> None:
    database.transact(add("ann"))
    original = getattr(backup, step)

    def crashing(*arguments: object, **options: object) -> object:
        if not after:
            raise Crash
        original(*arguments, **options)
        raise Crash

    store = home / "store.db"
    with monkeypatch.context() as patch:
        patch.setattr(backup, step, crashing)
        if step != "discard":
            patch.setattr(backup, "discard", lambda path: None)  # the dead do not tidy up
        with contextlib.suppress(Crash):
            create(database, file, BACKUP_KEY, created_ms=0)
    if not file.exists():
        create(database, file, BACKUP_KEY, created_ms=0)
    verify(file, BACKUP_KEY)
    with monkeypatch.context() as patch:
        patch.setattr(backup, step, crashing)
        if step != "discard":
            patch.setattr(backup, "discard", lambda path: None)
        with contextlib.suppress(Crash):
            restore(file, BACKUP_KEY, store, NEW_KEY, adopt=nothing, migrations=migrations)
    if not store.exists():
        restore(file, BACKUP_KEY, store, NEW_KEY, adopt=nothing, migrations=migrations)
    with Database.open(store, NEW_KEY, migrations=migrations) as restored:
        assert restored.read(names) == ["ann"]


def test_a_full_disk_leaves_neither_backup_nor_store(database, file, home, migrations, monkeypatch) -> None:
    def no_space(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(StoreError, match="No space left"):
            create(database, file, BACKUP_KEY, created_ms=0)
    assert list(file.parent.glob("everything*")) == []
