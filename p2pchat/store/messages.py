"""What is shown of the logs: messages in display order, search, unread counts and deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from p2pchat.core.ids import ConversationId, DeviceId, EntryId, GroupId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction

_COLUMNS = "id, conversation, lamport, device, person, mine, kind, text, sent_ms, received_ms, session"
_RANK = {"failed": 0, "queued": 1, "handed": 2, "delivered": 3, "read": 4}


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a chat. Display order is (lamport, id): causal first, then time, then hash."""

    id: EntryId
    conversation: ConversationId
    lamport: int
    device: DeviceId
    person: PersonId
    mine: bool
    kind: str  # text | iou | group | sealed | unknown
    text: str
    sent_ms: int
    received_ms: int
    session: bytes | None  # the sender key that a sealed message waits for


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a message of mine has come to one person."""

    person: PersonId
    state: str
    at_ms: int


def add(tx: Transaction, message: Message) -> None:
    """A message not shown before."""
    tx.execute(
        f"INSERT INTO message ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.id,
            message.conversation,
            message.lamport,
            message.device,
            message.person,
            message.mine,
            message.kind,
            message.text,
            message.sent_ms,
            message.received_ms,
            message.session,
        ),
    )


def unseal(tx: Transaction, id: EntryId, kind: str, text: str) -> None:
    """A message whose key has come: show what it says."""
    tx.execute("UPDATE message SET kind = ?, text = ?, session = NULL WHERE id = ?", (kind, text, id))


def sealed(tx: Reader, session: bytes) -> list[Message]:
    """The messages that wait for a sender key, in display order."""
    return _messages(
        tx.execute(f"SELECT {_COLUMNS} FROM message WHERE session = ? ORDER BY lamport, id", (session,))
    )


def missing_sessions(tx: Reader, conversation: ConversationId, *, limit: int) -> list[tuple[bytes, DeviceId]]:
    """Sender keys that messages of a group wait for, with the device that made them."""
    rows = tx.execute(
        """SELECT DISTINCT session, device FROM message
           WHERE session IS NOT NULL AND conversation = ? LIMIT ?""",
        (conversation, limit),
    )
    return [(row[0], DeviceId(row[1])) for row in rows]


def conversations_waiting(tx: Reader) -> list[GroupId]:
    """Groups with messages that wait for a sender key."""
    rows = tx.execute("SELECT DISTINCT conversation FROM message WHERE session IS NOT NULL")
    return [GroupId(row[0]) for row in rows]


def get(tx: Reader, id: EntryId) -> Message | None:
    """The message `id`, or None."""
    row = tx.one(f"SELECT {_COLUMNS} FROM message WHERE id = ?", (id,))
    return _message(row) if row else None


def beginning_with(tx: Reader, prefix: bytes, *, limit: int = 2) -> list[Message]:
    """Messages whose id begins with the bytes of `prefix`."""
    return _messages(
        tx.execute(
            f"SELECT {_COLUMNS} FROM message WHERE id >= ? AND id < ? LIMIT ?",
            (prefix, prefix + b"\xff" * (33 - len(prefix)), limit),
        )
    )


def page(tx: Reader, conversation: ConversationId, *, before: Message | None, limit: int) -> list[Message]:
    """The last `limit` messages of a chat (before a message, if given), oldest first."""
    lamport, id = (before.lamport, before.id) if before else (1 << 62, b"")
    rows = tx.execute(
        f"""SELECT {_COLUMNS} FROM message WHERE conversation = ? AND (lamport, id) < (?, ?)
            ORDER BY lamport DESC, id DESC LIMIT ?""",
        (conversation, lamport, id, limit),
    )
    return _messages(reversed(rows))


def search(tx: Reader, words: list[str], *, limit: int) -> list[Message]:
    """Messages that hold all `words` (beginnings count), newest first."""
    query = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
    columns = ", ".join("m." + column for column in _COLUMNS.split(", "))
    return _messages(
        tx.execute(
            f"""SELECT {columns} FROM message_index AS i JOIN message AS m ON m.rowid = i.rowid
                WHERE message_index MATCH ? AND m.kind != 'sealed' ORDER BY i.rowid DESC LIMIT ?""",
            (query, limit),
        )
    )


def last(tx: Reader, conversation: ConversationId) -> Message | None:
    """The newest message of a chat, or None."""
    found = page(tx, conversation, before=None, limit=1)
    return found[0] if found else None


def unread(tx: Reader, conversation: ConversationId, read_lamport: int) -> int:
    """How many messages of others came after what was read."""
    row = tx.one(
        """SELECT count(*) FROM message
           WHERE conversation = ? AND lamport > ? AND NOT mine AND kind != 'group'""",
        (conversation, read_lamport),
    )
    assert row is not None
    count: int = row[0]
    return count


def expect(tx: Transaction, entry: EntryId, persons: Iterable[PersonId], now_ms: int) -> None:
    """A message of mine is to reach these persons."""
    tx.executemany(
        "INSERT OR IGNORE INTO delivery VALUES (?, ?, 'queued', ?)",
        [(entry, person, now_ms) for person in persons],
    )


def advance(tx: Transaction, entry: EntryId, person: PersonId, state: str, now_ms: int) -> bool:
    """Move a delivery forward, never back; whether anything changed."""
    row = tx.one("SELECT state FROM delivery WHERE entry = ? AND person = ?", (entry, person))
    if row is None or _RANK[row[0]] >= _RANK[state]:
        return False
    tx.execute(
        "UPDATE delivery SET state = ?, at_ms = ? WHERE entry = ? AND person = ?",
        (state, now_ms, entry, person),
    )
    return True


def fail(tx: Transaction, entry: EntryId, person: PersonId, now_ms: int) -> bool:
    """The recipient refused a message; whether that is news. Should it be taken later, it advances."""
    row = tx.one("SELECT state FROM delivery WHERE entry = ? AND person = ?", (entry, person))
    if row is None or row[0] not in ("queued", "handed"):
        return False
    tx.execute(
        "UPDATE delivery SET state = 'failed', at_ms = ? WHERE entry = ? AND person = ?",
        (now_ms, entry, person),
    )
    return True


def advance_chain(
    tx: Transaction,
    conversation: ConversationId,
    device: DeviceId,
    height: int,
    person: PersonId,
    now_ms: int,
) -> list[EntryId]:
    """A person holds all entries of my `device` up to `height`: his deliveries that this moves."""
    rows = tx.execute(
        """SELECT d.entry FROM delivery AS d JOIN entry AS e ON e.id = d.entry
           WHERE d.person = ? AND d.state IN ('queued', 'handed')
             AND e.conversation = ? AND e.device = ? AND e.seq <= ?""",
        (person, conversation, device, height),
    )
    moved = [EntryId(row[0]) for row in rows]
    tx.executemany(
        "UPDATE delivery SET state = 'delivered', at_ms = ? WHERE entry = ? AND person = ?",
        [(now_ms, id, person) for id in moved],
    )
    return moved


def read_up_to(
    tx: Transaction, conversation: ConversationId, lamport: int, person: PersonId, now_ms: int
) -> list[EntryId]:
    """A person has seen everything up to `lamport`: his deliveries that this moves."""
    rows = tx.execute(
        """SELECT d.entry FROM delivery AS d JOIN message AS m ON m.id = d.entry
           WHERE d.person = ? AND d.state != 'read' AND m.conversation = ? AND m.mine AND m.lamport <= ?""",
        (person, conversation, lamport),
    )
    moved = [EntryId(row[0]) for row in rows]
    tx.executemany(
        "UPDATE delivery SET state = 'read', at_ms = ? WHERE entry = ? AND person = ?",
        [(now_ms, id, person) for id in moved],
    )
    return moved


def deliveries(tx: Reader, entry: EntryId) -> list[Delivery]:
    """How far a message has come, one row for each recipient."""
    rows = tx.execute("SELECT person, state, at_ms FROM delivery WHERE entry = ? ORDER BY person", (entry,))
    return [Delivery(PersonId(row[0]), row[1], row[2]) for row in rows]


def _messages(rows: Iterable[Row]) -> list[Message]:
    return [_message(row) for row in rows]


def _message(row: Row) -> Message:
    return Message(
        EntryId(row[0]),
        ConversationId(row[1]),
        row[2],
        DeviceId(row[3]),
        PersonId(row[4]),
        bool(row[5]),
        *row[6:],
    )
