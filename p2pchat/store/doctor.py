"""Finding out whether a store is sound, and saving what can be saved of one that is not."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import apsw

from p2pchat.errors import StoreError
from p2pchat.files import publish
from p2pchat.store import search_index
from p2pchat.store.database import Database
from p2pchat.store.fresh import make
from p2pchat.store.migrate import MIGRATIONS, Migration, load, migrate, version_of
from p2pchat.store.salvage import Salvaged, salvage, tables
from p2pchat.store.sqlite import check_ours, connect, failures, settle
from p2pchat.store.transaction import Change, Reader, Transaction

_MOST_PROBLEMS: Final = 20  # one damaged page can give thousands
_DAMAGE: Final = (apsw.CorruptError, apsw.IOError)


@dataclass(frozen=True, slots=True)
class Examination:
    """What `p2pchat doctor` says about a store that opens."""

    version: int
    newest_version: int
    cipher: str
    problems: tuple[str, ...]
    """Empty if every page, index, reference and search index is sound."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What `repair` saved."""

    tables: tuple[Salvaged, ...]
    dangling: int
    """Rows that refer to a row that is lost; they were kept."""
    damaged: Path
    """Where the damaged store is kept; it opens with the same key."""


def examine(path: Path, key: bytes, *, migrations: Traversable = MIGRATIONS) -> Examination:
    """Read every page of the store at `path`; changes nothing.

    It may run beside a node, whose changes wait while the search index is compared with its table.

    Raises:
        StoreError: there is no store, or it does not open for reading and writing.
    """
    with failures(path):
        connection = _open(path, key)
        try:
            problems = _page_problems(connection) + _search_problems(connection)
            cipher = connection.pragma("cipher")
            return Examination(version_of(connection), len(load(migrations)), cipher, tuple(problems))
        finally:
            connection.close(True)


def repair(
    path: Path,
    key: bytes,
    *,
    adopt: Callable[[tuple[Salvaged, ...]], Change[None]] | None = None,
    migrations: Traversable = MIGRATIONS,
) -> Repair:
    """Put a sound store of the newest version at `path`, with all that can be read of the one there.

    `adopt` says, from what was saved, what is to be changed in it before it appears. The damaged store stays
    beside it as `<name>.damaged-<n>`. Nobody else may have the store open. After a crash at any point there
    is either the damaged or the sound store at `path`, and repairing again is safe.

    Raises:
        StoreError: it does not open at all (a backup is what is left), is of a newer version, or the disk
            is full or read-only; the store is as it was.
        Exception: whatever `adopt` or its change raised; the store is as it was.
    """
    steps = load(migrations)
    fresh = path.with_name(path.name + ".repaired")
    with failures(path):
        version = _settle(path, key)
        if version > len(steps):
            raise StoreError(f"The store {path} was written by a newer p2pchat; update p2pchat to repair it.")
        saved, dangling = _copy(path, fresh, key, steps, version)
    if adopt:
        with Database.open(fresh, key, migrations=migrations) as database:
            database.transact(adopt(tuple(saved)))
            database.settle()
    try:
        damaged = _keep(path)
        publish(fresh, path)
    except OSError as error:
        raise StoreError(f"The repaired store cannot be put at {path}: {error.strerror}.") from error
    return Repair(tuple(saved), dangling, damaged)


def _open(path: Path, key: bytes) -> apsw.Connection:
    if not path.exists():
        raise StoreError(f"There is no store at {path}.")
    if path.stat().st_size == 0:  # SQLite would take it for a new database and begin to write one
        raise StoreError(f"The store {path} is damaged: it is empty.")
    connection = connect(path, key)
    try:
        check_ours(connection, path)
    except BaseException:
        connection.close(True)
        raise
    return connection


def _page_problems(connection: apsw.Connection) -> list[str]:
    reader = Reader(connection.cursor())
    try:
        found = reader.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")
        dangling = reader.execute("PRAGMA foreign_key_check")
    except _DAMAGE:
        return ["a page fails its authentication: the disk or another program has changed it"]
    problems = [text for (text,) in found if text != "ok"]
    problems += [
        f"a row of {table} refers to a row of {other} that is lost" for table, _, other, _ in dangling
    ]
    return problems[:_MOST_PROBLEMS]


def _search_problems(connection: apsw.Connection) -> list[str]:
    problems = []
    for name in _search_indexes(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if name == search_index.NAME:  # which is behind its table until the newest messages are in it
                search_index.catch_up(Transaction(connection.cursor()))
            connection.execute(f"""INSERT INTO "{name}" ("{name}", rank) VALUES ('integrity-check', 1)""")
        except _DAMAGE:
            problems.append(f"the search index {name} does not fit its table")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    return problems


def _search_indexes(connection: apsw.Connection) -> list[str]:
    found = Reader(connection.cursor()).execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"
    )
    return [name for (name,) in found]


def _settle(path: Path, key: bytes) -> int:
    """Bring what waits in the WAL into the main file, so that the store is one file; gives its version."""
    connection = _open(path, key)
    try:
        settle(connection)
        return version_of(connection)
    finally:
        connection.close(True)


def _copy(
    path: Path, fresh: Path, key: bytes, steps: list[Migration], version: int
) -> tuple[list[Salvaged], int]:
    # Made at the damaged store's version, so that columns agree; brought to the newest with its rows in it.
    target = make(fresh, key, steps[:version])
    source = connect(path, key, readonly=True)
    try:
        target.execute("PRAGMA foreign_keys = OFF")
        triggers = Reader(target.cursor()).execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        )
        for name, _ in triggers:
            target.execute(f'DROP TRIGGER "{name}"')
        saved = [salvage(source, target, table) for table in tables(target)]
        for _, sql in triggers:
            target.execute(sql)
        for name in _search_indexes(target):
            target.execute(f"""INSERT INTO "{name}" ("{name}") VALUES ('rebuild')""")
        dangling = len(Reader(target.cursor()).execute("PRAGMA foreign_key_check"))
        migrate(target, steps, fresh)
        settle(target)
        return saved, dangling
    finally:
        source.close(True)
        target.close()


def _keep(path: Path) -> Path:
    for number in itertools.count(1):
        kept = path.with_name(f"{path.name}.damaged-{number}")
        try:
            os.link(path, kept)
        except FileExistsError:
            continue
        return kept
    raise AssertionError("unreachable")
