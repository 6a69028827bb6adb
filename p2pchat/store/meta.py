"""Small facts about this store itself: one value for each key."""

from __future__ import annotations

from p2pchat.store.transaction import Reader, Transaction


def get(tx: Reader, key: str) -> bytes | None:
    """The value of `key`, or None."""
    row = tx.one("SELECT value FROM meta WHERE key = ?", (key,))
    return row[0] if row else None


def put(tx: Transaction, key: str, value: bytes) -> None:
    """Set `key` to `value`."""
    tx.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
