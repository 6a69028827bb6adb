"""Copying what can still be read of a damaged table.

A page whose authentication fails gives an error when it is met, so a table is read from the front up
to the first damage and from the back up to the last. What lies between is searched by halving the
range of keys: ids are spread evenly and row numbers are dense, so each half holds its share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import apsw

from p2pchat.store.transaction import Reader

_MOST_PROBES: Final = 4_000  # look-ups per table; a gap that holds nothing would be halved for ever
_PREFIX: Final = 8  # bytes of a blob that take part in halving
_DAMAGE: Final = (apsw.CorruptError, apsw.IOError)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of one table."""

    table: str
    rows: int
    lost: int | None
    """Rows that could not be read; None if nothing tells how many there were."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that holds data, and the columns that order its b-tree; by the first of these one can seek."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]

    def select(self, where: str = "", *, backwards: bool = False) -> str:
        """A query for the key and then all columns, in the order of the b-tree."""
        direction = " DESC" if backwards else ""
        order = ", ".join(f'"{column}"{direction}' for column in self.order)
        return f'SELECT {self.key}, {_listed(self.columns)} FROM "{self.name}" {where} ORDER BY {order}'

    @property
    def key(self) -> str:
        """The column to seek by, as SQL."""
        return f'"{self.order[0]}"'


class _Scan:
    """The rows that a query gives until it ends or meets damage."""

    def __init__(self, cursor: apsw.Cursor) -> None:
        self._cursor = cursor
        self.last: Any = None  # key of the last row
        self.whole = False

    def __iter__(self) -> Iterator[list[Any]]:
        try:
            for key, *row in self._cursor:
                self.last = key
                yield row
            self.whole = True
        except _DAMAGE:
            pass


def tables(connection: apsw.Connection) -> list[Table]:
    """The tables that hold data of their own: neither virtual nor what lies beneath a virtual one."""
    listed = Reader(connection.cursor()).execute(
        "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        " AND name NOT IN ('sqlite_schema', 'sqlite_sequence') ORDER BY name"
    )
    return [_table(connection, name, without_rowid=bool(wr)) for name, wr in listed]


def salvage(source: apsw.Connection, target: apsw.Connection, table: Table) -> Salvaged:
    """Copy all rows that can be read from `source` into the same table of `target`, which is empty.

    Raises:
        apsw.Error: `target` cannot be written.
    """
    marks = ", ".join("?" * len(table.columns))
    insert = f'INSERT OR IGNORE INTO "{table.name}" ({_listed(table.columns)}) VALUES ({marks})'

    def copy(where: str = "", bounds: tuple[Any, ...] = (), *, backwards: bool = False) -> _Scan:
        try:
            scan = _Scan(source.execute(table.select(where, backwards=backwards), bounds))
        except _DAMAGE:  # met on the way to the first row
            return _Scan(source.cursor())
        target.executemany(insert, scan)
        return scan

    with target:
        whole = _copy_ends_and_middle(table.key, copy)
    rows = _count(target, table)
    if whole:
        return Salvaged(table.name, rows, 0)
    try:
        return Salvaged(table.name, rows, _count(source, table) - rows)  # SQLite counts in an index if it can
    except _DAMAGE:
        return Salvaged(table.name, rows, None)


class _Copy(Protocol):
    def __call__(
        self, where: str = "", bounds: tuple[Any, ...] = (), *, backwards: bool = False
    ) -> _Scan: ...


def _copy_ends_and_middle(key: str, copy: _Copy) -> bool:
    """Copy from both ends, then search the gap between; gives whether there was no damage at all."""
    front = copy()
    if front.whole:
        return True
    back = copy(backwards=True)
    gaps = deque([(front.last, back.last)])
    for _ in range(_MOST_PROBES):
        if not gaps:
            break
        low, high = gaps.popleft()  # the widest
        middle = _between(low, high)
        if middle is None:
            continue
        above = copy(f"WHERE {key} >= ? AND {key} < ?", (middle, high))
        if not above.whole:
            gaps.append((middle if above.last is None else above.last, high))
        below = copy(f"WHERE {key} < ? AND {key} > ?", (middle, low), backwards=True)
        if not below.whole:
            gaps.append((low, middle if below.last is None else below.last))
    return False


def _between(low: Any, high: Any) -> int | bytes | None:
    """A key halfway; None if there is none, or if keys of this type cannot be halved."""
    if isinstance(low, int) and isinstance(high, int):
        middle = (low + high) // 2
        return middle if low < middle < high else None
    if isinstance(low, bytes) and isinstance(high, bytes):
        first, last = (int.from_bytes(key[:_PREFIX].ljust(_PREFIX, b"\0")) for key in (low, high))
        middle = (first + last) // 2
        return middle.to_bytes(_PREFIX) if first < middle < last else None
    return None


def _table(connection: apsw.Connection, name: str, *, without_rowid: bool) -> Table:
    found = Reader(connection.cursor()).execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,))
    columns = tuple(column for column, _, _ in found)
    key = [(place, column, kind) for column, kind, place in found if place]
    if without_rowid:
        return Table(name, columns, tuple(column for _, column, _ in sorted(key)))
    if len(key) == 1 and key[0][2] == "INTEGER":  # another name of the rowid
        return Table(name, columns, (key[0][1],))
    return Table(name, ("rowid", *columns), ("rowid",))


def _count(connection: apsw.Connection, table: Table) -> int:
    [(count,)] = Reader(connection.cursor()).execute(f'SELECT count(*) FROM "{table.name}"')
    return int(count)


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
