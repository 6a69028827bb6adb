"""The store: one encrypted SQLite file that loses nothing it has confirmed.

One connection writes, others read what was committed when they began (WAL), so readers never wait
for the writer. `COMMIT` returns once the data is on the disk (synchronous=FULL). Nothing here knows
trio: a command without a daemon uses a `Database` as it is, the node through `writer.StoreService`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources.abc import Traversable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import apsw

from p2pchat.errors import StoreError
from p2pchat.files import discard, publish
from p2pchat.store import search_index
from p2pchat.store.fresh import copy_all, make
from p2pchat.store.migrate import MIGRATIONS, load, migrate
from p2pchat.store.sqlite import (
    BUSY_TIMEOUT_MS,
    CACHE_KIB,
    WAL_PAGES,
    check_ours,
    connect,
    describe,
    failures,
    settle,
)
from p2pchat.store.transaction import Change, Committed, Query, Reader, Transaction, Workspace

T = TypeVar("T")


class Database:
    """An open store. Safe to use from several threads; changes take turns, reads do not.

    Made by `create` or `open`; a context manager that closes itself.
    """

    # One cursor for each connection, for ever: in apsw 3.54 a cursor that goes away leaves a reference on
    # every other of its connection, and the more have piled up, the slower each new one is.

    def __init__(self, path: Path, key: bytes, connection: apsw.Connection, cache_kib: int) -> None:
        self.path = path
        self._cache_kib = cache_kib
        self._key = key
        self._connection = connection
        self._writer = connection.cursor()
        self._has_messages = connection.table_exists(None, "message_index_docsize")
        self._turn = threading.RLock()
        self.unindexed = 0  # messages that are to be made searchable, as of the last change
        self.wal_pages = 0  # written since the WAL began anew, as of the last commit
        self.most_wal_pages = WAL_PAGES  # beyond these a commit moves them into the main file itself
        connection.set_wal_hook(self._committed)
        self._idle_readers: queue.SimpleQueue[apsw.Cursor] = queue.SimpleQueue()

    @classmethod
    def create(cls, path: Path, key: bytes, *, migrations: Traversable = MIGRATIONS) -> Self:
        """A new, empty store at `path`, of the newest version, encrypted under the 32 bytes of `key`.

        It is made beside `path` and renamed when finished: a crash leaves no half-made store.

        Raises:
            StoreError: something is at `path` already, or the folder cannot be written.
        """
        if path.exists():
            raise StoreError(f"There is a store at {path} already; nothing was changed.")
        fresh = path.with_name(path.name + ".new")
        try:
            with failures(path):
                connection = make(fresh, key, load(migrations))
                try:
                    settle(connection)
                finally:
                    connection.close(True)
            discard(path)  # a WAL of a store that is gone would be taken for this one's
            publish(fresh, path)
        except OSError as error:
            raise StoreError(f"A store cannot be made at {path}: {error.strerror}.") from error
        return cls.open(path, key, migrations=migrations)

    @classmethod
    def open(
        cls, path: Path, key: bytes, *, migrations: Traversable = MIGRATIONS, cache_kib: int = CACHE_KIB
    ) -> Self:
        """The store at `path`, brought to the newest version; each connection caches so much of it.

        Raises:
            StoreError: there is none, or it does not open with `key`, is damaged, read-only, in use, of a
                newer version, or the disk is full. Nothing was lost.
        """
        if not path.exists():
            raise StoreError(f"There is no store at {path}.")
        if path.stat().st_size == 0:  # SQLite would take it for a new database
            raise StoreError(f"The store {path} is damaged: it is empty.")
        with failures(path):
            connection = connect(path, key, cache_kib=cache_kib)
            try:
                check_ours(connection, path)
                migrate(connection, load(migrations), path)
            except BaseException:
                connection.close(True)
                raise
        return cls(path, key, connection, cache_kib)

    def transact(self, change: Change[T]) -> Committed[T]:
        """Run `change` in the calling thread as one transaction; when this returns, it is on the disk.

        The caller carries out the effects. Whatever `change` raises undoes all it did and is raised again.

        Raises:
            StoreError: the disk or the file failed; nothing was changed. If it was the sync of the very
                commit that failed, and no later change is confirmed, the change may yet be found when the
                store is opened again: so what is tried again must be safe to repeat.
        """
        with self._turn:
            with self._transaction():
                transaction = Transaction(self._writer)
                result = change(transaction)
                transaction.flush()
            _follow(transaction.on_disk)
        return Committed(result, transaction.effects)

    def transact_each(self, changes: Sequence[Change[T]]) -> list[Committed[T] | Exception]:
        """Run all `changes` in turn and commit them together: one wait for the disk instead of many.

        A change that raises is undone alone; its exception stands in its place of the answer. Later changes
        see earlier ones.

        Raises:
            StoreError: the disk or the file failed; none of the changes was made.
        """
        with self._turn:
            # Undoing one change alone takes a savepoint, which copies each page before its first change;
            # that costs more than the changes. So one failure costs a second run, and none costs nothing.
            try:
                outcomes = self._together(changes)
            except _UndoneError as undone:
                if len(changes) == 1:
                    return [undone.reason]
                outcomes = self._apart(changes)
        return outcomes

    def read(self, query: Query[T]) -> T:
        """What `query` finds in the store as it was committed last; never waits for a writer.

        Raises:
            StoreError: the disk or the file failed.
        """
        with failures(self.path):
            reader = self._take_reader()
            try:
                reader.execute("BEGIN")
                return query(Reader(reader))
            finally:
                if reader.connection.in_transaction:
                    reader.execute("ROLLBACK")
                self._idle_readers.put(reader)

    def copy(self, path: Path, key: bytes) -> None:
        """Put all that is committed now into a file of its own at `path`, encrypted under `key`.

        One moment is copied, while changes go on. The copy is on the disk when this returns.

        Raises:
            StoreError: the disk or one of the files failed.
            OSError: `path` cannot be written.
        """
        with failures(self.path):
            reader = self._take_reader()
            try:
                copy_all(reader.connection, path, key)
            finally:
                self._idle_readers.put(reader)

    def checkpoint(self) -> None:
        """Move commits into the main file while changes and reads go on; what a reader still needs, stays.

        The next commit after all have been moved begins the WAL anew.

        Raises:
            StoreError: the disk failed; every commit is safe all the same.
        """
        with failures(self.path):
            connection = connect(self.path, self._key)
            try:
                with suppress(apsw.BusyError):  # the writer does it just now
                    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            finally:
                connection.close(True)

    def index(self) -> None:
        """Make all messages searchable without the detour that a search takes to those that are new.

        Raises:
            StoreError: the disk or the file failed; nothing was changed.
        """
        with self._turn, failures(self.path):
            if not self.unindexed:
                return
            # Should the power fail, the index is made anew of the messages: nobody has to wait for the disk.
            self._writer.execute("PRAGMA synchronous = NORMAL")
            try:
                with self._transaction(most_behind=1):
                    pass
            finally:
                self._writer.execute("PRAGMA synchronous = FULL")

    def settle(self, *, patience_ms: int = BUSY_TIMEOUT_MS) -> None:
        """Move all commits into the main file and cut the WAL to nothing.

        Afterwards rows that were changed or deleted are in neither of them as they were: secure_delete has
        overwritten their place. Changes wait meanwhile.

        Raises:
            InUseError: a reader was in the way for `patience_ms`; nothing was changed.
            StoreError: the disk failed.
        """
        with self._turn, failures(self.path):
            self._connection.set_busy_timeout(patience_ms)
            try:
                settle(self._connection)
            finally:
                self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)

    def close(self) -> None:
        """Close all connections; no read or change may be under way. Closing twice is harmless.

        Raises:
            StoreError: the disk failed while tidying up; what was confirmed is safe all the same.
        """
        with self._turn, failures(self.path):
            self.unindexed = 0
            while not self._idle_readers.empty():
                self._idle_readers.get().connection.close(True)
            self._connection.close(True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _committed(self, connection: apsw.Connection, schema: str, pages: int) -> int:
        """SQLite: a commit is in the WAL, which has `pages` now; instead of its own automatic checkpoint."""
        self.wal_pages = pages
        if pages >= self.most_wal_pages:
            with suppress(apsw.Error):  # the commit stands, whatever becomes of this
                connection.wal_checkpoint(schema, mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return apsw.SQLITE_OK

    @contextmanager
    def _transaction(self, *, most_behind: int = search_index.MOST_BEHIND) -> Iterator[None]:
        with self._turn, failures(self.path):
            assert not self._connection.in_transaction, "transactions do not nest"
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield
                if self._has_messages:
                    self._index(most_behind=most_behind)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._writer.execute("ROLLBACK")
                raise

    def _index(self, *, most_behind: int) -> None:
        tx = Transaction(self._writer)
        self.unindexed = search_index.behind(tx)
        if self.unindexed >= most_behind:
            search_index.catch_up(tx)
            self.unindexed = 0

    def _together(self, changes: Sequence[Change[T]]) -> list[Committed[T] | Exception]:
        """Make all changes and commit them. Raises _UndoneError, with nothing made, if one of them fails."""
        lasting: dict[str, Callable[[], None]] = {}
        space = Workspace()
        outcomes: list[Committed[T] | Exception] = []
        with self._transaction():
            try:
                for change in changes:
                    transaction = Transaction(self._writer, space)
                    outcomes.append(Committed(change(transaction), transaction.effects))
                    lasting |= transaction.on_disk
                Transaction(self._writer, space).flush()
                self._check_references()
            except Exception as error:
                if not self._connection.in_transaction:
                    raise  # the disk: nobody's change stands
                raise _UndoneError(self._described(error)) from error
        _follow(lasting)
        return outcomes

    def _apart(self, changes: Sequence[Change[T]]) -> list[Committed[T] | Exception]:
        """Make all changes, but those that fail, and commit them."""
        lasting: dict[str, Callable[[], None]] = {}
        space = Workspace()
        with self._transaction():
            outcomes = [self._attempt(change, lasting, space) for change in changes]
        _follow(lasting)
        return outcomes

    def _attempt(
        self, change: Change[T], lasting: dict[str, Callable[[], None]], space: Workspace
    ) -> Committed[T] | Exception:
        self._writer.execute("SAVEPOINT attempt")
        transaction = Transaction(self._writer, space)
        try:
            result = change(transaction)
            transaction.flush()
            self._check_references()
        except Exception as error:
            if not self._connection.in_transaction:
                raise  # SQLite has undone the whole transaction: nobody's change stands
            self._writer.execute("ROLLBACK TO attempt")
            self._writer.execute("RELEASE attempt")
            space.clear()
            return self._described(error)
        self._writer.execute("RELEASE attempt")
        lasting |= transaction.on_disk
        return Committed(result, transaction.effects)

    def _check_references(self) -> None:
        """Left alone, a broken deferred reference would fail the common commit, and with it all changes."""
        if self._connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
            raise apsw.ConstraintError("FOREIGN KEY constraint failed")

    def _described(self, error: Exception) -> Exception:
        return describe(error, self.path) if isinstance(error, apsw.Error) else error

    def _take_reader(self) -> apsw.Cursor:
        try:
            return self._idle_readers.get_nowait()
        except queue.Empty:
            return connect(self.path, self._key, readonly=True, cache_kib=self._cache_kib).cursor()


class _UndoneError(Exception):
    """A change raised `reason`, and all changes with it were undone."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _follow(lasting: dict[str, Callable[[], None]]) -> None:
    for act in lasting.values():
        act()
