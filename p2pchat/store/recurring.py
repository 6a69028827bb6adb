"""What comes again, and which due dates the person was told of."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class Recurring:
    """An IOU or a request that is entered again and again; days are YYYY-MM-DD in `zone`."""

    id: bytes
    person: PersonId
    kind: str  # pay | request
    amount: str
    note: str
    first: str
    step: str
    every: int
    until: str | None
    zone: str
    done: str | None  # the last day that was entered


def put(tx: Transaction, rule: Recurring) -> None:
    """Keep a rule, or how far it got."""
    tx.execute(
        "INSERT OR REPLACE INTO recurring VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            rule.id,
            rule.person,
            rule.kind,
            rule.amount,
            rule.note,
            rule.first,
            rule.step,
            rule.every,
            rule.until,
            rule.zone,
            rule.done,
        ),
    )


def every(tx: Reader) -> list[Recurring]:
    """All rules, in the order of their first days."""
    return [_rule(row) for row in tx.execute("SELECT * FROM recurring ORDER BY first, id")]


def remove(tx: Transaction, id: bytes) -> None:
    """Enter it no more."""
    tx.execute("DELETE FROM recurring WHERE id = ?", (id,))


def remind(tx: Transaction, entry: LedgerEntryId) -> bool:
    """The person is told of a due date now; False if he was before."""
    if tx.one("SELECT 1 FROM reminded WHERE entry = ?", (entry,)):
        return False
    tx.execute("INSERT INTO reminded VALUES (?)", (entry,))
    return True


def _rule(row: Row) -> Recurring:
    return Recurring(row[0], PersonId(row[1]), *row[2:])
