"""Where people of a simulated world keep their stores: in encrypted files, or in memory.

Opening files, preparing every statement anew and encrypting pages takes half of the time of a small world.
So people of small worlds get a store in memory that somebody of an earlier one has left, emptied. When the
power goes it stays as it was committed; all that the node knows besides is forgotten. In large worlds each
has a file as a real node has, which is closed and opened.
"""

from __future__ import annotations

import random
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar

import apsw

from p2pchat.config import Home
from p2pchat.node.features.app import App
from p2pchat.store.database import Database
from p2pchat.store.migrate import MIGRATIONS, load, migrate
from p2pchat.store.sqlite import CACHE_KIB
from p2pchat.store.transaction import Query, Reader, Transaction

T = TypeVar("T")

KEY: Final = b"the key of everybody's store".ljust(32, b".")
BORN_MS: Final = 1_800_000_000_000
LIVES: Final = 8  # identities that a name may stand for, so that who comes before whom is chance
_COUNTERS: Final = "sqlite_sequence"  # of the tables that never give a number twice

Tables: TypeAlias = dict[str, list[tuple[Any, ...]]]
"""All rows of each table that has any."""


class OneConnection(Database):
    """A store that is read over the connection that writes: there is one thread, so nobody waits."""

    def read(self, query: Query[T]) -> T:
        """What `query` finds; not in the middle of a transaction, and nothing changes meanwhile."""
        assert self.is_at_rest
        return query(Reader(self._writer))

    @classmethod
    def in_memory(cls) -> Self:
        """An empty one that no file belongs to."""
        connection = apsw.Connection(":memory:", statementcachesize=512)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        path = Path(":memory:")
        migrate(connection, load(MIGRATIONS), path)
        return cls(path, KEY, connection, CACHE_KIB)

    def contents(self) -> bytes:
        """All that is committed."""
        return self._connection.serialize("main")

    def put(self, contents: bytes) -> None:
        """Go back to what was committed once, if the store is in memory."""
        self._connection.deserialize("main", contents)

    @property
    def is_at_rest(self) -> bool:
        """Whether no transaction is under way."""
        return not self._connection.in_transaction


class OwnFile:
    """A store in the home of its owner."""

    def __init__(self, home: Home, name: str, life: int) -> None:
        self._path = home.store
        self._path.write_bytes(_newborn_file(name, life))
        self._database: OneConnection | None = None

    @property
    def database(self) -> OneConnection:
        """The store, open."""
        if self._database is None:
            self._database = OneConnection.open(self._path, KEY)
        return self._database

    def cut_power(self) -> None:
        """What is open is closed; the next look opens it."""
        if self._database is not None:
            self._database.close()
        self._database = None

    def copy(self) -> bytes:
        """What is in the store."""
        self.database.settle()
        return self._path.read_bytes()

    def put(self, copy: bytes) -> None:
        """Go back to a copy."""
        self.cut_power()
        self._path.write_bytes(copy)

    def leave(self) -> None:
        """The world is over."""
        self.cut_power()


class HandedOn:
    """A store that others had before, and will have."""

    _left: Final[list[OneConnection]] = []

    def __init__(self, contents: Tables) -> None:
        self.database = self._left.pop() if self._left else OneConnection.in_memory()
        self.database.transact(lambda tx: _replace(tx, contents))

    def cut_power(self) -> None:
        """It stays open: what was committed is in it, and nothing else."""
        assert self.database.is_at_rest

    def copy(self) -> bytes:
        """What is in the store."""
        return self.database.contents()

    def put(self, copy: bytes) -> None:
        """Go back to a copy."""
        self.database.put(copy)

    def leave(self) -> None:
        """The world is over."""
        if self.database.is_at_rest:
            self._left.append(self.database)
        else:
            self.database.close()


def _replace(tx: Transaction, contents: Tables) -> None:
    """Put `contents` in place of all that the store holds."""
    tx.execute("INSERT INTO message_index (message_index) VALUES ('delete-all')")
    for table in _tables(tx):
        tx.execute(f"DELETE FROM {table}")  # noqa: S608 - our own
    for table, rows in contents.items():
        if table == _COUNTERS:  # the rows before have counted
            tx.execute(f"DELETE FROM {table}")  # noqa: S608 - our own
        marks = ", ".join("?" * len(rows[0]))
        tx.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own


@lru_cache(maxsize=512)
def newborn(name: str, life: int) -> Tables:
    """What is in the store of somebody who is just there, table by table."""
    with tempfile.TemporaryDirectory() as directory, OneConnection.in_memory() as database:
        database.transact(lambda tx: _be_born(tx, Home(Path(directory)), name, life))
        return database.read(all_rows)


@lru_cache(maxsize=64)
def _newborn_file(name: str, life: int) -> bytes:
    """The store of somebody who is just there: making one takes longer than many a chat."""
    with tempfile.TemporaryDirectory() as directory:
        home = Home(Path(directory))
        home.store.write_bytes(_empty_file())
        with OneConnection.open(home.store, KEY) as database:
            database.transact(lambda tx: _be_born(tx, home, name, life))
        return home.store.read_bytes()


def _be_born(tx: Transaction, home: Home, name: str, life: int) -> None:
    chances = random.Random(f"{name} {life}")
    App.create(tx, home, name, lambda: BORN_MS, chances.randbytes)


@cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store.db"
        Database.create(path, KEY).close()
        return path.read_bytes()


def all_rows(tx: Reader) -> Tables:
    """What is in a store, table by table."""
    found = {table: tx.execute(f"SELECT * FROM {table}") for table in _tables(tx)}  # noqa: S608 - our own
    return {table: rows for table, rows in found.items() if rows}


def _tables(tx: Reader) -> list[str]:
    """All that are not part of the search index or SQLite's own, and last what SQLite counts in."""
    rows = tx.execute("SELECT name FROM pragma_table_list WHERE type = 'table' ORDER BY name")
    return [*(name for (name,) in rows if not name.startswith("sqlite_")), _COUNTERS]


def shared_memory() -> Path | None:
    """A place for files that need not outlive the process: a disk would take most of the time."""
    folder = Path("/dev/shm")  # noqa: S108
    return folder if folder.is_dir() else None
