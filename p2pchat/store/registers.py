"""What several people can set, at the same time and without knowing of each other.

Entries come in any order. Of those that set the same thing the last in display order counts: a
last-writer-wins register (Shapiro et al., A comprehensive study of convergent and commutative replicated
data types, 2011), the same for all who have the same entries.
"""

from __future__ import annotations

from p2pchat.core.log.entry import Entry
from p2pchat.store.transaction import Transaction


def write(tx: Transaction, subject: bytes, name: str, entry: Entry, *, writer: bytes = b"") -> bool:
    """`entry` sets `name` of `subject`; whether it counts, for nothing later has set it already."""
    row = tx.one(
        "SELECT lamport, entry FROM register WHERE subject = ? AND name = ? AND writer = ?",
        (subject, name, writer),
    )
    if row and (row[0], row[1]) > (entry.header.lamport, entry.id):
        return False
    tx.execute(
        "INSERT OR REPLACE INTO register VALUES (?, ?, ?, ?, ?)",
        (subject, name, writer, entry.header.lamport, entry.id),
    )
    return True


def forget(tx: Transaction, subject: bytes) -> None:
    """The subject is gone for good."""
    tx.execute("DELETE FROM register WHERE subject = ?", (subject,))
