"""The same with real processes and real limits of the operating system."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2pchat.errors import StoreError
from p2pchat.lock import HomeLock
from p2pchat.store import keystore
from p2pchat.store.database import Database
from p2pchat.store.transaction import Transaction

NOBODY = 65534

STREAM = """
import os, pathlib, sys, trio
from p2pchat.store.database import Database
from p2pchat.store.writer import StoreService

path, migrations = map(pathlib.Path, sys.argv[1:3])
first = int(sys.argv[3])

def add(number):
    def change(transaction):
        transaction.execute("INSERT INTO author VALUES (?, ?)", (number, f"author {number}"))
        transaction.execute("INSERT INTO note (author, body) VALUES (?, ?)", (number, "y" * (number % 9000)))
    return change

async def write(store, start, step):
    number = start
    while True:
        await store.run(add(number))
        os.write(1, f"{number}\\n".encode())
        number += step

async def main():
    with Database.open(path, bytes(range(32)), migrations=migrations) as database:
        store = StoreService(database, lambda effects: None)
        async with trio.open_nursery() as nursery:
            for start in range(10):
                nursery.start_soon(write, store, first + start, 10)

trio.run(main)
"""


def confirmed_by_a_killed_process(path: Path, migrations: Path, first: int, lines: int) -> set[int]:
    """Let a process write until it has confirmed `lines` changes, then kill it by force."""
    command = [sys.executable, "-c", STREAM, path, migrations, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines(keepends=True)
    return {int(line) for line in head + rest if line.endswith(b"\n")}


def test_a_killed_node_has_every_change_it_confirmed_and_each_once(database, path, key, migrations) -> None:
    database.close()
    confirmed: set[int] = set()
    for round_ in range(6):
        confirmed |= confirmed_by_a_killed_process(path, migrations, 1 + round_ * 100_000, 37 * (round_ + 1))
        with Database.open(path, key, migrations=migrations) as database:
            authors = {number for (number,) in database.read(lambda r: r.execute("SELECT id FROM author"))}
            notes = [number for (number,) in database.read(lambda r: r.execute("SELECT author FROM note"))]
            assert database.read(lambda r: r.one("PRAGMA integrity_check")) == ("ok",)
        assert confirmed <= authors
        assert sorted(notes) == sorted(authors)
    assert len(confirmed) > 700


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 200 kB: what a full disk is like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


def add(number: int) -> Callable[[Transaction], None]:
    def change(transaction: Transaction) -> None:
        transaction.execute("INSERT INTO author VALUES (?, ?)", (number, f"{number:0500d}"))

    return change


def fill_up(database: Database) -> tuple[int, str]:
    """Add until the disk refuses; gives how many were confirmed and what was said."""
    for number in range(1, 10_000):
        try:
            database.transact(add(number))
        except StoreError as error:
            return number - 1, str(error)
    raise AssertionError("the disk never refused")


def test_a_disk_without_space_refuses_and_later_goes_on(
    database: Database, path: Path, key: bytes, migrations: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("small_files")
    confirmed, said = fill_up(database)
    assert "The disk of the store" in said
    assert confirmed > 5
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert database.read(lambda r: r.one("SELECT max(id) FROM author")) == (confirmed,)
    database.transact(add(confirmed + 1))
    database.close()
    with Database.open(path, key, migrations=migrations) as again:
        assert again.read(lambda r: r.one("SELECT count(*) FROM author")) == (confirmed + 1,)
        assert again.read(lambda r: r.one("PRAGMA integrity_check")) == ("ok",)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of an ordinary user, and this process being that user: root may write anywhere."""
    with tempfile.TemporaryDirectory() as name:
        user = os.geteuid()
        if user == 0:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(user)


@pytest.fixture
def home(unprivileged: Path, key: bytes, migrations_text: str) -> Path:
    """A home with a closed store in it."""
    folder = unprivileged / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(migrations_text)
    Database.create(unprivileged / "store.db", key, migrations=folder).close()
    return unprivileged


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_a_read_only_file_is_said_to_be_one_and_stays_as_it_is(home: Path, key: bytes) -> None:
    (home / "store.db").chmod(0o400)
    before = (home / "store.db").read_bytes()
    with pytest.raises(StoreError, match="is read-only; nothing was changed"):
        Database.open(home / "store.db", key, migrations=home / "migrations")
    assert (home / "store.db").read_bytes() == before


def test_a_read_only_folder_is_said_to_be_one_and_stays_as_it_is(home: Path, key: bytes) -> None:
    before = contents(home)
    home.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="is read-only; nothing was changed"):
            Database.open(home / "store.db", key, migrations=home / "migrations")
        with pytest.raises(StoreError, match=r"cannot be made at .*: Permission denied"):
            Database.create(home / "other.db", key, migrations=home / "migrations")
        with pytest.raises(StoreError, match="cannot be written: Permission denied"):
            keystore.create(home / "store.key", keystore.Protection.FILE)
        with pytest.raises(StoreError, match="cannot be opened: Permission denied"):
            HomeLock(home / "lock")
    finally:
        home.chmod(0o700)
    assert contents(home) == before


def test_a_file_that_may_not_be_read_is_a_clear_error(home: Path, key: bytes) -> None:
    for name in ("store.db", "store.key"):
        (home / name).touch()
        (home / name).chmod(0)
    with pytest.raises(StoreError, match="cannot be opened"):
        Database.open(home / "store.db", key, migrations=home / "migrations")
    with pytest.raises(StoreError, match="cannot be read: Permission denied"):
        keystore.unlock(home / "store.key")
