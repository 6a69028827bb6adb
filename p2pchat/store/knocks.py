"""Groups that I want to enter by an invite link, until a member lets me in."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import DeviceId, EntryId, GroupId
from p2pchat.store.transaction import Reader, Row, Transaction

_COLUMNS = "conversation, link, secret, expires_ms, doors, answer"


@dataclass(frozen=True, slots=True)
class StoredKnock:
    """A link that I hold, and whom to ask."""

    group: GroupId
    link: EntryId
    secret: bytes
    expires_ms: int
    doors: tuple[DeviceId, ...]
    answer: str = ""  # why a member did not let me in, the last time


def put(tx: Transaction, knock: StoredKnock) -> None:
    """Knock at a group, in place of an earlier link."""
    tx.execute(
        f"INSERT OR REPLACE INTO knock ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (knock.group, knock.link, knock.secret, knock.expires_ms, b"".join(knock.doors), knock.answer),
    )


def get(tx: Reader, group: GroupId) -> StoredKnock | None:
    """The link by which I want to enter `group`, or None."""
    row = tx.one(f"SELECT {_COLUMNS} FROM knock WHERE conversation = ?", (group,))
    return _knock(row) if row else None


def everyone(tx: Reader) -> list[StoredKnock]:
    """All that wait."""
    return [_knock(row) for row in tx.execute(f"SELECT {_COLUMNS} FROM knock ORDER BY conversation")]


def refused(tx: Transaction, group: GroupId, reason: str) -> None:
    """A member did not let me in."""
    tx.execute("UPDATE knock SET answer = ? WHERE conversation = ?", (reason, group))


def drop(tx: Transaction, group: GroupId) -> None:
    """Knock no more."""
    tx.execute("DELETE FROM knock WHERE conversation = ?", (group,))


def _knock(row: Row) -> StoredKnock:
    group, link, secret, expires_ms, doors, answer = row
    devices = tuple(DeviceId(doors[i : i + DeviceId.size]) for i in range(0, len(doors), DeviceId.size))
    return StoredKnock(GroupId(group), EntryId(link), secret, expires_ms, devices, answer)
