"""Bills that this person entered, in all their versions, and files whose sums were imported."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import GroupId
from p2pchat.store.transaction import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class StoredExpense:
    """One version of a bill; `raw` is what its id is the hash of."""

    id: bytes
    raw: bytes
    group: GroupId
    note: str
    replaced: bool
    created_ms: int


def put(tx: Transaction, expense: StoredExpense) -> None:
    """Keep a version, or that there is a newer one."""
    tx.execute(
        "INSERT OR REPLACE INTO expense VALUES (?, ?, ?, ?, ?, ?)",
        (
            expense.id,
            expense.raw,
            expense.group,
            expense.note,
            int(expense.replaced),
            expense.created_ms,
        ),
    )


def get(tx: Reader, id: bytes) -> StoredExpense | None:
    """The version `id`, or None."""
    row = tx.one("SELECT * FROM expense WHERE id = ?", (id,))
    return _expense(row) if row else None


def newest(tx: Reader) -> list[StoredExpense]:
    """The bills as they stand, the newest first."""
    rows = tx.execute("SELECT * FROM expense WHERE replaced = 0 ORDER BY created_ms DESC, id")
    return [_expense(row) for row in rows]


def is_new_import(tx: Transaction, digest: bytes) -> bool:
    """Note that a file is imported now; False if it was before."""
    if tx.one("SELECT 1 FROM ledger_import WHERE digest = ?", (digest,)):
        return False
    tx.execute("INSERT INTO ledger_import VALUES (?)", (digest,))
    return True


def _expense(row: Row) -> StoredExpense:
    return StoredExpense(row[0], row[1], GroupId(row[2]), row[3], bool(row[4]), row[5])
