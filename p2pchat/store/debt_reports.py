"""Simplifying debts in groups: where this person takes part, and what other members told."""

from __future__ import annotations

from p2pchat.core.ids import GroupId, PersonId
from p2pchat.store.transaction import Reader, Transaction


def set_joined(tx: Transaction, group: GroupId, joined: bool) -> None:
    """Whether members of a group may know what stands between this person and the others of it."""
    if joined:
        tx.execute("INSERT OR IGNORE INTO simplify_group VALUES (?)", (group,))
    else:
        tx.execute("DELETE FROM simplify_group WHERE conversation = ?", (group,))


def is_joined(tx: Reader, group: GroupId) -> bool:
    """Whether this person takes part in simplifying."""
    return tx.one("SELECT 1 FROM simplify_group WHERE conversation = ?", (group,)) is not None


def put(tx: Transaction, group: GroupId, person: PersonId, unit: bytes, raw: bytes, now_ms: int) -> None:
    """What a member says now."""
    tx.execute(
        "INSERT OR REPLACE INTO debt_report VALUES (?, ?, ?, ?, ?)", (group, person, unit, raw, now_ms)
    )


def since(tx: Reader, group: GroupId, unit: bytes, since_ms: int) -> dict[PersonId, bytes]:
    """What each member has said since then."""
    rows = tx.execute(
        "SELECT person, raw FROM debt_report WHERE conversation = ? AND unit = ? AND at_ms >= ?",
        (group, unit, since_ms),
    )
    return {PersonId(person): raw for person, raw in rows}
