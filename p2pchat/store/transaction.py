"""What feature code sees of the store: SQL inside one transaction, and effects for after it.

A query is a plain function of a `Reader`, a change a plain function of a `Transaction`; `Database`
decides when it runs and whether it lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import apsw

T = TypeVar("T")

Row: TypeAlias = tuple[Any, ...]
"""Values of one row: int, float, str, bytes or None, as the STRICT table declares them."""

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
"""What stands for `?` or `:name` in a statement."""

Memo: TypeAlias = dict[str, dict[bytes, Any]]
"""Rows read in the course of a commit, by table and key."""

REMEMBERED: Final = frozenset(
    {
        "person",
        "device",
        "conversation",
        "membership",
        "sender_key",
        "sender_key_sent",
        "sender_session",
        "message",
        "mention",
        "delivery",
        "event",
        "ledger_account",
    }
)
"""Tables of which a few rows are looked at again and again, or soon after they were written."""


class _Names(NamedTuple):
    """What a statement may touch, judged by its words alone."""

    words: frozenset[str]
    written: frozenset[str]  # of the remembered tables


@cache
def _names(sql: str) -> _Names:
    words = frozenset(re.findall(r"\w+", sql.lower()))
    writes = words & {"insert", "update", "delete", "replace"}
    return _Names(words, REMEMBERED & words if writes else frozenset())


@cache
def _target(sql: str) -> str:
    """The table that a statement writes."""
    found = re.search(r"(?:into|update|from)\s+(\w+)", sql.lower())
    assert found is not None
    return found[1]


@cache
def _reads(sql: str) -> frozenset[str]:
    """The tables into which a statement that writes looks by a query inside it."""
    return frozenset(re.findall(r"select\b.*?\bfrom\s+(\w+)", sql.lower(), re.DOTALL))


class Reader:
    """One consistent view of the store: what was committed when it began."""

    __slots__ = ("_cursor", "_memo")

    def __init__(self, cursor: apsw.Cursor, memo: Memo | None = None) -> None:
        self._cursor = cursor
        self._memo: Memo = {} if memo is None else memo

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows that `sql` gives; [] for a statement that gives none."""
        return self._cursor.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row that `sql` gives, or None."""
        # All rows, for a statement left in the middle would be in the way of the commit.
        return next(iter(self.execute(sql, parameters)), None)

    def peek(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row that a query gives, or None, of what is in the tables: not of rows that are queued.

        For callers that know of queued rows otherwise.
        """
        return next(iter(Reader.execute(self, sql, parameters)), None)

    def remembered(self, table: str, key: bytes, load: Callable[[], T]) -> T:
        """What `load` reads of the row `key` of `table`: read once, until something is written there."""
        rows = self._memo.setdefault(table, {})
        if key not in rows:
            rows[key] = load()
        found: T = rows[key]
        return found

    def recall(self, table: str, key: bytes) -> Any:
        """What is remembered of the row `key` of `table`, or None."""
        return self._memo.get(table, {}).get(key)


class Workspace:
    """What the changes of one commit share: rows that were read before, and rows that wait to be written.

    Writing the rows of many messages table by table costs a fraction of message by message.
    """

    __slots__ = ("awaited", "late", "memo", "rows")

    def __init__(self) -> None:
        self.memo: Memo = {}
        self.rows: dict[str, list[Parameters]] = {}  # by statement, in the order of first use
        self.late: dict[object, Callable[[], None]] = {}  # what queues more rows right before a flush
        self.awaited: set[str] = set()  # words by which statements would touch what waits

    def clear(self) -> None:
        """Forget everything: the changes were undone."""
        self.memo.clear()
        self.rows.clear()
        self.late.clear()
        self.awaited.clear()


class Transaction(Reader):
    """Changes that happen together or not at all.

    `effects` is for what must follow once the changes last: news to tell, an outbox to wake. They are
    opaque here and handed on in order; those of a change that fails are dropped with it. `on_disk` is
    for what must last as well before anybody is told, by name: of several with one name the last one
    runs, right after the commit. It must not raise.
    """

    __slots__ = ("_space", "effects", "on_disk")

    def __init__(self, cursor: apsw.Cursor, space: Workspace | None = None) -> None:
        self._space = space or Workspace()
        super().__init__(cursor, self._space.memo)
        self.effects: list[object] = []
        self.on_disk: dict[str, Callable[[], None]] = {}

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """As for a reader; a statement may also change rows. It sees all that was queued before."""
        self._prepare(sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run `sql` once for each of `rows`."""
        self._prepare(sql)
        self._cursor.executemany(sql, rows)

    def queue(self, sql: str, row: Parameters) -> None:
        """Run `sql`, which writes one row and must not fail, before any other statement could miss it."""
        rows = self._space.rows.get(sql)
        if rows is None:
            rows = self._space.rows[sql] = []
            self._space.awaited.add(_target(sql))
        rows.append(row)

    def flush_first(self, key: object, tables: frozenset[str], queue_rows: Callable[[], None]) -> None:
        """Have `queue_rows` called before a statement that touches one of `tables`; once for each `key`."""
        if key not in self._space.late:
            self._space.late[key] = queue_rows
            self._space.awaited |= tables

    def remember(self, table: str, key: bytes, row: object) -> None:
        """Let `row` be what `remembered` finds: it was queued just now."""
        self._memo.setdefault(table, {})[key] = row

    def forget(self, table: str, key: bytes) -> None:
        """Read the row `key` of `table` anew when it is looked for: a change of it was queued."""
        self._memo.get(table, {}).pop(key, None)

    def flush(self) -> None:
        """Write what is queued; what looks into another of these tables comes after that one's rows."""
        space = self._space
        while space.late:
            space.late.popitem()[1]()
        rows, space.rows = space.rows, {}
        space.awaited.clear()
        written = {_target(sql) for sql in rows}
        for sql in sorted(rows, key=lambda it: not _reads(it).isdisjoint(written)):  # else as they came
            self._cursor.executemany(sql, rows[sql])

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that is undone, with its effects, if it raises; what came before it stands."""
        self.flush()
        told, lasting = len(self.effects), self.on_disk.copy()
        self._cursor.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._cursor.execute("ROLLBACK TO part")
            self._cursor.execute("RELEASE part")
            self._space.clear()
            del self.effects[told:]
            self.on_disk = lasting
            raise
        self._cursor.execute("RELEASE part")

    def _prepare(self, sql: str) -> None:
        names = _names(sql)
        if self._space.awaited and not self._space.awaited.isdisjoint(names.words):
            self.flush()
        for table in names.written:
            self._memo.pop(table, None)


class Committed(NamedTuple, Generic[T]):
    """What a change gave back, once it is on the disk."""

    result: T
    effects: list[object]


Change: TypeAlias = Callable[[Transaction], T]
Query: TypeAlias = Callable[[Reader], T]
