"""The mailbox in PostgreSQL, for operators who share it among several nodes.

The queries of `boxes` and `parcels` are written so that both databases take them; only the mark of a
parameter differs. One connection of each node writes, committing together what came together, as with
SQLite, and the nodes take turns: so quotas hold for all of them, and no two wait for each other. A few
other connections read. psycopg (the extra `postgres`) is imported only here, and only when it is needed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from p2pchat.errors import StoreError, UsageError
from p2pchat.store.transaction import Change, Committed, Parameters, Query, Reader, Row, Transaction

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

VERSION: Final = 1
_SCHEMA: Final = files("p2pchat.store") / "holding" / "postgres.sql"
_SCHEMA_LOCK: Final = 0x70327063  # nodes that start together make the tables one after the other
_WRITER_LOCK: Final = _SCHEMA_LOCK + 1
_CONNECT_S: Final = 10


class PostgresHolding:
    """An open database; `StoreService` takes it for a `Database`."""

    def __init__(self, url: str) -> None:
        """The database that `url` names (postgresql://…), its tables made if they are not there.

        Raises:
            UsageError: psycopg is not installed.
            StoreError: it is not reached, or its tables are of a newer version.
        """
        try:
            import psycopg
        except ImportError as error:
            raise UsageError("PostgreSQL needs psycopg: pip install 'p2pchat[postgres]'") from error
        self._psycopg = psycopg
        self._url = url
        self._writer: psycopg.Connection[Row] | None = None
        self._turn = threading.Lock()
        self._idle: queue.SimpleQueue[psycopg.Connection[Row]] = queue.SimpleQueue()
        with self._failures():
            self._writer = self._connect()
            with self._writer.transaction(), self._writer.cursor() as cursor:
                # No writer of another node may be half-way: its locks and ours could wait for each other.
                for lock in (_SCHEMA_LOCK, _WRITER_LOCK):
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
                cursor.execute(_SCHEMA.read_text(encoding="utf-8").encode())
                row = cursor.execute("SELECT number FROM version").fetchone()
                if row is None or row[0] > VERSION:
                    raise StoreError("The mailbox's tables were made by a newer p2pchat; update this one.")

    def transact_each(self, changes: Sequence[Change[T]]) -> list[Committed[T] | Exception]:
        """Run all `changes` in turn and commit them together; see `Database.transact_each`.

        Raises:
            StoreError: the database failed; none of the changes was made, unless it failed in the commit.
        """
        with self._turn, self._failures():
            if self._writer is None or self._writer.closed:
                self._writer = self._connect()
            with self._writer.transaction(), self._writer.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_WRITER_LOCK,))
                return [self._attempt(cursor, change) for change in changes]

    def read(self, query: Query[T]) -> T:
        """What `query` finds in what is committed now. Raises StoreError if the database failed."""
        with self._failures():
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                connection = self._connect()
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    result = query(_PostgresReader(cursor))
            except self._psycopg.OperationalError:
                connection.close()
                raise
            self._idle.put(connection)
            return result

    def close(self) -> None:
        """Close all connections; closing twice is harmless."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
            while not self._idle.empty():
                self._idle.get().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _attempt(self, cursor: psycopg.Cursor[Row], change: Change[T]) -> Committed[T] | Exception:
        transaction = _PostgresTransaction(cursor)
        try:
            with transaction.savepoint():
                return Committed(change(transaction), transaction.effects)
        except self._psycopg.Error:
            raise  # the database's failure is everybody's
        except Exception as error:
            return error

    def _connect(self) -> psycopg.Connection[Row]:
        # Passes a pooler such as pgbouncer too: nothing is prepared on a connection.
        return self._psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=_CONNECT_S,
            application_name="p2pchat-bootstrap",
            options="-c synchronous_commit=on",
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            if self._writer is not None and self._writer.broken:
                self._writer = None
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise StoreError(f"The mailbox's database failed: {reason}.") from error


class _PostgresReader(Reader):
    """Takes the queries that SQLite takes."""

    __slots__ = ()

    def __init__(self, cursor: Any) -> None:
        super().__init__(cursor)

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """See Reader."""
        cursor: Any = self._cursor
        cursor.execute(sql.replace("?", "%s"), parameters)
        return list(cursor.fetchall()) if cursor.description else []


class _PostgresTransaction(_PostgresReader, Transaction):
    """A part of a transaction."""

    __slots__ = ()

    def __init__(self, cursor: Any) -> None:
        Transaction.__init__(self, cursor)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """See Transaction."""
        cursor: Any = self._cursor
        cursor.executemany(sql.replace("?", "%s"), list(rows))
