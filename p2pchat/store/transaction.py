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

REMEMBERED: Final = frozenset({"person", "device", "conversation"})
"""Tables of which a few rows are looked at again and again."""


@cache
def _written(sql: str) -> frozenset[str]:
    """Which of the remembered tables a statement may write: those it names, unless it only reads."""
    words = set(re.findall(r"\w+", sql.lower()))
    return REMEMBERED & words if words & {"insert", "update", "delete", "replace"} else frozenset()


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

    def remembered(self, table: str, key: bytes, load: Callable[[], T]) -> T:
        """What `load` reads of the row `key` of `table`: read once, until something is written there."""
        rows = self._memo.setdefault(table, {})
        if key not in rows:
            rows[key] = load()
        found: T = rows[key]
        return found


class Transaction(Reader):
    """Changes that happen together or not at all.

    `effects` is for what must follow once the changes last: news to tell, an outbox to wake. They are
    opaque here and handed on in order; those of a change that fails are dropped with it. `on_disk` is
    for what must last as well before anybody is told, by name: of several with one name the last one
    runs, right after the commit. It must not raise.
    """

    __slots__ = ("effects", "on_disk")

    def __init__(self, cursor: apsw.Cursor, memo: Memo | None = None) -> None:
        super().__init__(cursor, memo)
        self.effects: list[object] = []
        self.on_disk: dict[str, Callable[[], None]] = {}

    def execute(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """As for a reader; a statement may also change rows."""
        self._forget(sql)
        return super().execute(sql, parameters)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that is undone, with its effects, if it raises; what came before it stands."""
        told, lasting = len(self.effects), self.on_disk.copy()
        self._cursor.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._cursor.execute("ROLLBACK TO part")
            self._cursor.execute("RELEASE part")
            self._memo.clear()
            del self.effects[told:]
            self.on_disk = lasting
            raise
        self._cursor.execute("RELEASE part")

    def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """The number of the row that `sql` inserts (its INTEGER PRIMARY KEY)."""
        self._forget(sql)
        self._cursor.execute(sql, parameters)
        return self._cursor.connection.last_insert_rowid()

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run `sql` once for each of `rows`."""
        self._forget(sql)
        self._cursor.executemany(sql, rows)

    def _forget(self, sql: str) -> None:
        for table in _written(sql):
            self._memo.pop(table, None)


class Committed(NamedTuple, Generic[T]):
    """What a change gave back, once it is on the disk."""

    result: T
    effects: list[object]


Change: TypeAlias = Callable[[Transaction], T]
Query: TypeAlias = Callable[[Reader], T]
