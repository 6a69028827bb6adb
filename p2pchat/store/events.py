"""What happened, in commit order, for listeners that may have been away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import msgspec

from p2pchat.core.ids import EntryId
from p2pchat.store.transaction import Reader, Transaction

_JSON: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `seq` is the cursor."""

    seq: int
    at_ms: int
    type: str
    data: dict[str, Any]


def record(
    tx: Transaction, type: str, data: dict[str, Any], now_ms: int, *, is_sought: bool = False
) -> Event:
    """Add an event and put it among the transaction's effects, so that listeners hear of it.

    `is_sought`: it repeats words of the message `data["id"]`, and `scrub` has to find it.
    """
    numbers = tx.remembered("event", b"", lambda: _numbers(tx))
    seq = next(numbers)
    tx.queue(
        "INSERT INTO event (seq, at_ms, type, data, is_sought) VALUES (?, ?, ?, ?, ?)",
        (seq, now_ms, type, _JSON.encode(data).decode(), is_sought),
    )
    event = Event(seq, now_ms, type, data)
    tx.effects.append(event)
    return event


def _numbers(tx: Transaction) -> Iterator[int]:
    """The numbers that no event ever had: the newest event is never forgotten."""
    return count(last(tx) + 1)


def scrub(tx: Transaction, about: EntryId) -> None:
    """Take the words out of all events about a message: they are to be forgotten."""
    tx.execute(
        """UPDATE event SET data = json_remove(data, '$.text', '$.emoji')
           WHERE (seq = (SELECT event FROM message WHERE id = ?1) OR (data ->> 'id' = ?2 AND is_sought))
             AND json_type(data, '$.text') IS NOT NULL""",
        (about, about.text),
    )


def prune(tx: Transaction, before_ms: int) -> None:
    """Forget events of long ago; the newest stays, so that cursors go on from it."""
    tx.execute("DELETE FROM event WHERE at_ms < ? AND seq < (SELECT max(seq) FROM event)", (before_ms,))


def after(tx: Reader, since: int, *, limit: int) -> list[Event]:
    """At most `limit` events that follow the cursor `since`, oldest first."""
    rows = tx.execute(
        "SELECT seq, at_ms, type, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit)
    )
    return [Event(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def last(tx: Reader) -> int:
    """The newest cursor, 0 if nothing happened yet."""
    row = tx.one("SELECT coalesce(max(seq), 0) FROM event")
    assert row is not None
    seq: int = row[0]
    return seq
