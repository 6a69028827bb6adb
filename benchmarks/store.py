"""What the store costs beside the disk, SQLite and Argon2id alone, measured in the same run.

`python -m benchmarks.store` prints one table: ours, the raw limit, and what share of it we reach. Each
figure is the best of several rounds taken in turn, so that a busy moment of the machine hits both alike.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import apsw
import trio
from nacl.pwhash import argon2id

from p2pchat.store.database import Database
from p2pchat.store.keystore import Protection, create, unlock
from p2pchat.store.sqlite import connect
from p2pchat.store.transaction import Reader, Transaction
from p2pchat.store.writer import StoreService

ROUNDS = 5
CHANGES = 500
TASKS = 200
CHANGES_EACH = 25
BODY = "x" * 200
INSERT = "INSERT INTO t (body) VALUES (?)"
SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;"
WAL_FRAME = 24 + 4096


class Line(NamedTuple):
    """One comparison: ours and the raw limit, in the same unit, and what share of the limit we reach."""

    what: str
    ours: float
    raw: float
    unit: str

    @property
    def ratio(self) -> float:
        """1.0 is as good as the raw limit, for rates as for times."""
        return self.ours / self.raw if self.unit.startswith("per") else self.raw / self.ours


def change(transaction: Transaction) -> None:
    transaction.execute(INSERT, (BODY,))


def seconds(job: Callable[[], object]) -> float:
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def fastest(*jobs: Callable[[], object]) -> list[float]:
    """The shortest time of each job in seconds, over rounds in which they take turns."""
    rounds = [[seconds(job) for job in jobs] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def raw_syncs(folder: Path) -> None:
    """Write as much as the smallest commit does to its WAL, into a file of full length, waiting each time."""
    descriptor = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT)
    for number in range(CHANGES):
        os.pwrite(descriptor, bytes(WAL_FRAME), number * WAL_FRAME)
        os.fdatasync(descriptor)
    os.close(descriptor)


def raw_commits(connection: apsw.Connection, commits: int, rows: int) -> None:
    """The least that SQLite can do for as many durable commits of as many rows, encrypted as ours."""
    for _ in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(rows):
            connection.execute(INSERT, (BODY,))
        connection.execute("COMMIT")


def single_changes(database: Database) -> None:
    for _ in range(CHANGES):
        database.transact(change)


def grouped_changes(database: Database) -> None:
    async def main() -> None:
        store = StoreService(database, lambda effects: None)

        async def caller() -> None:
            for _ in range(CHANGES_EACH):
                await store.run(change)

        async with trio.open_nursery() as nursery:
            for _ in range(TASKS):
                nursery.start_soon(caller)

    trio.run(main)


def awaited_changes(database: Database) -> None:
    async def main() -> None:
        store = StoreService(database, lambda effects: None)
        for _ in range(CHANGES):
            await store.run(change)

    trio.run(main)


def reads(database: Database) -> None:
    def query(reader: Reader) -> object:
        return reader.one("SELECT body FROM t WHERE id = 77")

    for _ in range(CHANGES):
        database.read(query)


def raw_reads(connection: apsw.Connection) -> None:
    for _ in range(CHANGES):
        connection.execute("SELECT body FROM t WHERE id = 77").fetchall()


def stretch() -> None:
    argon2id.kdf(
        32,
        b"correct horse",
        bytes(argon2id.SALTBYTES),
        opslimit=argon2id.OPSLIMIT_MODERATE,
        memlimit=argon2id.MEMLIMIT_MODERATE,
    )


def durability(folder: Path, database: Database, raw: apsw.Connection) -> list[Line]:
    """Changes, one at a time and together."""
    syncs, commits, ours, awaited = fastest(
        lambda: raw_syncs(folder),
        lambda: raw_commits(raw, CHANGES, 1),
        lambda: single_changes(database),
        lambda: awaited_changes(database),
    )
    many = TASKS * CHANGES_EACH
    batched, grouped = fastest(
        lambda: raw_commits(raw, CHANGES_EACH, TASKS), lambda: grouped_changes(database)
    )
    return [
        Line("one durable change / fdatasync alone", CHANGES / ours, CHANGES / syncs, "per s"),
        Line("one durable change / SQLite alone", CHANGES / ours, CHANGES / commits, "per s"),
        Line("one awaited durable change / SQLite alone", CHANGES / awaited, CHANGES / commits, "per s"),
        Line(f"changes of {TASKS} tasks / SQLite alone in batches", many / grouped, many / batched, "per s"),
    ]


def reading(database: Database, raw: apsw.Connection) -> Line:
    """A look-up in a transaction of its own."""
    plain, ours = fastest(lambda: raw_reads(raw), lambda: reads(database))
    return Line("one row read / SQLite alone", CHANGES / ours, CHANGES / plain, "per s")


def opening(folder: Path, path: Path, key: bytes, migrations: Path) -> list[Line]:
    """From a closed store to its first row, with each protection of the key."""
    files = {Protection.FILE: "", Protection.PASSPHRASE: "correct horse"}
    for protection, passphrase in files.items():
        create(folder / protection.value, protection, passphrase)

    def open_with(protection: Protection) -> None:
        unlock(folder / protection.value, files[protection])
        with Database.open(path, key, migrations=migrations) as database:
            database.read(lambda reader: reader.one("SELECT max(id) FROM t"))

    def open_raw() -> None:
        connection = connect(path, key)
        connection.execute("SELECT max(id) FROM t").fetchall()
        connection.close()

    raw, stretched, with_file, with_passphrase = fastest(
        open_raw, stretch, lambda: open_with(Protection.FILE), lambda: open_with(Protection.PASSPHRASE)
    )
    return [
        Line("open with a key file / SQLite alone", with_file * 1e3, raw * 1e3, "ms"),
        Line("open with a passphrase / Argon2id alone", with_passphrase * 1e3, stretched * 1e3, "ms"),
    ]


def measure(folder: Path) -> list[Line]:
    """All lines, measured on the disk of `folder`."""
    migrations = folder / "migrations"
    migrations.mkdir()
    (migrations / "0001_first.sql").write_text(SCHEMA)
    key = os.urandom(32)
    path = folder / "store.db"
    Database.create(folder / "raw.db", key, migrations=migrations).close()
    raw = connect(folder / "raw.db", key)
    with Database.create(path, key, migrations=migrations) as database:
        lines = [*durability(folder, database, raw), reading(database, raw)]
    raw.close()
    return lines + opening(folder, path, key, migrations)


def main() -> None:
    # /var/tmp is on a disk where /tmp may be in memory
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for line in measure(Path(folder)):
            print(f"{line.what:52} {line.ours:10,.1f} {line.raw:10,.1f} {line.unit:6} {line.ratio:5.0%}")


if __name__ == "__main__":
    main()
