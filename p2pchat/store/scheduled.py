"""Texts that are to be said later."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import ConversationId, EntryId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction

_COLUMNS = "id, conversation, text, reply, mentioned, expires_s, at_ms, refused"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A text with the time at which it is to be said."""

    id: bytes
    conversation: ConversationId
    text: str
    reply: EntryId | None
    mentioned: tuple[PersonId, ...]
    expires_s: int | None
    at_ms: int
    refused: str = ""  # why it could not be said when its time had come; then it waits for a decision


def put(tx: Transaction, one: Scheduled) -> None:
    """Keep a text until its time."""
    tx.execute(
        f"INSERT INTO scheduled ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.id,
            one.conversation,
            one.text,
            one.reply,
            b"".join(one.mentioned),
            one.expires_s,
            one.at_ms,
            one.refused,
        ),
    )


def every(tx: Reader) -> list[Scheduled]:
    """All of them, the earliest first."""
    return _scheduled(tx.execute(f"SELECT {_COLUMNS} FROM scheduled ORDER BY at_ms, id"))


def due(tx: Reader, now_ms: int, *, limit: int) -> list[Scheduled]:
    """Those whose time has come, the most overdue first."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM scheduled WHERE at_ms <= ? AND refused = '' ORDER BY at_ms, id LIMIT ?",
        (now_ms, limit),
    )
    return _scheduled(rows)


def refuse(tx: Transaction, id: bytes, reason: str) -> None:
    """It could not be said: it stays, for me to decide."""
    tx.execute("UPDATE scheduled SET refused = ? WHERE id = ?", (reason, id))


def refuse_all(tx: Transaction, reason: str) -> None:
    """None of those that wait is said unasked any more."""
    tx.execute("UPDATE scheduled SET refused = ? WHERE refused = ''", (reason,))


def remove(tx: Transaction, id: bytes) -> None:
    """It was said, or is not to be said."""
    tx.execute("DELETE FROM scheduled WHERE id = ?", (id,))


def _scheduled(rows: list[Row]) -> list[Scheduled]:
    return [
        Scheduled(
            row[0],
            ConversationId(row[1]),
            row[2],
            EntryId(row[3]) if row[3] else None,
            tuple(PersonId(row[4][at : at + 32]) for at in range(0, len(row[4]), 32)),
            *row[5:],
        )
        for row in rows
    ]
