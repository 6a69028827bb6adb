"""What is shown of the logs: messages in display order, with reactions and marks; search; unread counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from p2pchat.core.ids import ConversationId, DeviceId, EntryId, GroupId, PersonId
from p2pchat.core.mentions import Mention
from p2pchat.store import deliveries, files, search_index
from p2pchat.store.transaction import Reader, Row, Transaction

_COLUMNS = (
    "id, conversation, lamport, device, person, mine, kind, text, sent_ms, received_ms, session,"
    " reply, edited_ms, expires_ms, pinned, starred, event"
)

_NAMES = _COLUMNS.split(", ")
# A store that was repaired may have lost an entry whose line it kept: then the line is replaced.
_INSERT = f"""INSERT INTO message ({_COLUMNS}) VALUES ({", ".join("?" * len(_NAMES))})
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])}"""
_row = attrgetter(*_NAMES)  # of a Message
_GET = f"SELECT {_COLUMNS} FROM message WHERE id = ?"
ONCE = -1  # in place of the time when it vanishes: a while after it was read
_UNREAD = "conversation = ? AND NOT seen AND NOT mine AND kind != 'group'"


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a chat. Display order is (lamport, id): causal first, then time, then hash."""

    id: EntryId
    conversation: ConversationId
    lamport: int
    device: DeviceId
    person: PersonId
    mine: bool
    kind: str  # text | iou | group | sealed | deleted | unknown
    text: str
    sent_ms: int
    received_ms: int
    session: bytes | None = None  # the sender key that a sealed message waits for
    reply: EntryId | None = None  # the message that it answers
    edited_ms: int = 0
    expires_ms: int = 0  # when it vanishes, by the local clock; 0: never; ONCE: after it was read
    pinned: bool = False
    starred: bool = False
    event: int | None = None  # that told its words to listeners


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji beside a message."""

    person: PersonId
    emoji: str


def add(tx: Transaction, message: Message) -> None:
    """A message not shown before; or shown before its store was repaired, which had lost the entry."""
    tx.remember("message", message.id, message)
    tx.queue(_INSERT, _row(message))


def has(tx: Reader, id: EntryId) -> bool:
    """Whether there is a line of this id."""
    # Rows that are queued are remembered.
    return (
        tx.recall("message", id) is not None
        or tx.peek("SELECT 1 FROM message WHERE id = ?", (id,)) is not None
    )


def forget(tx: Transaction, id: EntryId) -> None:
    """Take a message out of its chat, with what belongs to it."""
    files.detach(tx, id)
    for table, column in (
        ("message", "id"),
        ("reaction", "message"),
        ("edit", "message"),
        ("mention", "message"),
    ):
        tx.execute(f"DELETE FROM {table} WHERE {column} = ?", (id,))
    deliveries.forget(tx, id)


def note_edit(tx: Transaction, id: EntryId, entry: EntryId) -> bool:
    """The stored `entry` has other words for a message; whether they are the newest."""
    tx.execute("INSERT OR IGNORE INTO edit VALUES (?, ?)", (entry, id))
    return edits(tx, id)[-1] == entry


def edit(tx: Transaction, id: EntryId, text: str, now_ms: int) -> None:
    """A message says something else from now on."""
    tx.execute("UPDATE message SET text = ?, edited_ms = ? WHERE id = ?", (text, now_ms, id))


def edits(tx: Reader, id: EntryId) -> list[EntryId]:
    """The entries that changed what a message says, in the order of the log."""
    rows = tx.execute(
        """SELECT e.id FROM edit CROSS JOIN entry AS e ON e.id = edit.entry
           WHERE edit.message = ? ORDER BY e.lamport, e.id""",
        (id,),
    )
    return [EntryId(row[0]) for row in rows]


def delete(tx: Transaction, id: EntryId) -> None:
    """A message says nothing any more; that there was one stays visible."""
    files.detach(tx, id)
    tx.execute(
        "UPDATE message SET kind = 'deleted', text = '', pinned = 0, session = NULL WHERE id = ?", (id,)
    )
    for table in ("reaction", "mention"):
        tx.execute(f"DELETE FROM {table} WHERE message = ?", (id,))


def mention(tx: Transaction, id: EntryId, mentions: Sequence[Mention]) -> None:
    """Whom a message names, from now on."""
    tx.execute("DELETE FROM mention WHERE message = ?", (id,))
    rows = [(id, one.person, one.word) for one in mentions]
    tx.executemany("INSERT OR IGNORE INTO mention VALUES (?, ?, ?)", rows)
    tx.remember("mention", id, list(mentions))


def new_mentions(tx: Transaction, id: EntryId) -> list[Mention]:
    """Who is meant by a message that this transaction has made; as `mentions`, without a look-up."""
    return tx.recall("mention", id) or []


def mentions(tx: Reader, id: EntryId) -> list[Mention]:
    """Whom a message names."""
    rows = tx.execute("SELECT person, word FROM mention WHERE message = ?", (id,))
    return [Mention(PersonId(row[0]), row[1]) for row in rows]


def react(tx: Transaction, id: EntryId, person: PersonId, emoji: str, now_ms: int) -> None:
    """A person's reaction to a message, in place of an earlier one; empty takes it back."""
    if emoji:
        tx.execute("INSERT OR REPLACE INTO reaction VALUES (?, ?, ?, ?)", (id, person, emoji, now_ms))
    else:
        tx.execute("DELETE FROM reaction WHERE message = ? AND person = ?", (id, person))


def reactions(tx: Reader, id: EntryId) -> list[Reaction]:
    """All reactions to a message, the oldest first."""
    rows = tx.execute("SELECT person, emoji FROM reaction WHERE message = ? ORDER BY at_ms, person", (id,))
    return [Reaction(PersonId(row[0]), row[1]) for row in rows]


def pin(tx: Transaction, id: EntryId, pinned: bool) -> None:
    """Keep a message in sight, or no longer."""
    tx.execute("UPDATE message SET pinned = ? WHERE id = ?", (pinned, id))


def star(tx: Transaction, id: EntryId, starred: bool) -> None:
    """Mark a message for oneself, or no longer."""
    tx.execute("UPDATE message SET starred = ? WHERE id = ?", (starred, id))


def marked(tx: Reader, conversation: ConversationId | None, *, pinned: bool, limit: int) -> list[Message]:
    """Pinned or starred messages (of one chat), oldest first."""
    column = "pinned" if pinned else "starred"
    where = "AND conversation = ?" if conversation else ""
    return _messages(
        tx.execute(
            f"SELECT {_COLUMNS} FROM message WHERE {column} {where} ORDER BY lamport, id LIMIT ?",
            (conversation, limit) if conversation else (limit,),
        )
    )


def expired(tx: Reader, now_ms: int, *, limit: int) -> list[EntryId]:
    """Messages whose time has come, the most overdue first."""
    rows = tx.execute(
        "SELECT id FROM message WHERE expires_ms > 0 AND expires_ms <= ? ORDER BY expires_ms LIMIT ?",
        (now_ms, limit),
    )
    return [EntryId(row[0]) for row in rows]


def sealed(tx: Reader, conversation: ConversationId, session: bytes, device: DeviceId) -> list[Message]:
    """The messages that wait for a device's sender key, in display order."""
    return _messages(
        tx.execute(
            f"""SELECT {_COLUMNS} FROM message
                WHERE conversation = ? AND session = ? AND device = ? ORDER BY lamport, id""",
            (conversation, session, device),
        )
    )


def missing_sessions(tx: Reader, conversation: ConversationId, *, limit: int) -> list[tuple[bytes, DeviceId]]:
    """Sender keys that messages of a group wait for, with the device that made them."""
    rows = tx.execute(
        """SELECT DISTINCT session, device FROM message
           WHERE session IS NOT NULL AND conversation = ? ORDER BY random() LIMIT ?""",
        (conversation, limit),
    )
    return [(row[0], DeviceId(row[1])) for row in rows]


def conversations_waiting(tx: Reader) -> list[GroupId]:
    """Groups with messages that wait for a sender key."""
    rows = tx.execute("SELECT DISTINCT conversation FROM message WHERE session IS NOT NULL")
    return [GroupId(row[0]) for row in rows]


def get(tx: Reader, id: EntryId) -> Message | None:
    """The message `id`, or None."""

    def load() -> Message | None:
        row = tx.peek(_GET, (id,))  # rows that are queued are remembered
        return _message(row) if row else None

    return tx.remembered("message", id, load)


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


def page_after(tx: Reader, after: Message, *, limit: int) -> list[Message]:
    """The `limit` messages of a chat that follow `after`, oldest first."""
    rows = tx.execute(
        f"""SELECT {_COLUMNS} FROM message WHERE conversation = ? AND (lamport, id) > (?, ?)
            ORDER BY lamport, id LIMIT ?""",
        (after.conversation, after.lamport, after.id, limit),
    )
    return _messages(rows)


def search(tx: Reader, words: list[str], *, limit: int) -> list[Message]:
    """Messages that hold all `words` (beginnings count), newest first."""
    query = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
    rows = [
        tx.one(f"SELECT {_COLUMNS} FROM message WHERE rowid = ?", (number,))
        for number in search_index.find(tx, query, limit=limit)
    ]
    return _messages(row for row in rows if row)


def last_seen(tx: Reader, conversation: ConversationId) -> Message | None:
    """The newest message of others that was shown to me, or None; remarks on the chat do not count."""
    rows = tx.execute(
        f"""SELECT {_COLUMNS} FROM message WHERE conversation = ? AND seen AND NOT mine AND kind != 'group'
            ORDER BY lamport DESC, id DESC LIMIT 1""",
        (conversation,),
    )
    return next(iter(_messages(rows)), None)


def last(tx: Reader, conversation: ConversationId) -> Message | None:
    """The newest message of a chat, or None."""
    found = page(tx, conversation, before=None, limit=1)
    return found[0] if found else None


def unread(tx: Reader, conversation: ConversationId) -> int:
    """How many messages of others have not been shown to me."""
    row = tx.one(f"SELECT count(*) FROM message WHERE {_UNREAD}", (conversation,))
    assert row is not None
    count: int = row[0]
    return count


def unread_counts(tx: Reader) -> dict[ConversationId, int]:
    """The chats with messages of others that have not been shown to me, and how many."""
    rows = tx.execute(
        """SELECT conversation, count(*) FROM message
           WHERE NOT seen AND NOT mine AND kind != 'group' GROUP BY conversation"""
    )
    return {ConversationId(row[0]): row[1] for row in rows}


def arrived_unread(tx: Reader, conversation: ConversationId, *, limit: int) -> list[Message]:
    """Messages of others that have not been shown to me, in the order in which they arrived."""
    return _messages(
        tx.execute(
            f"SELECT {_COLUMNS} FROM message WHERE {_UNREAD} ORDER BY rowid LIMIT ?", (conversation, limit)
        )
    )


def see(tx: Transaction, conversation: ConversationId, *, upto: EntryId | None = None) -> set[DeviceId]:
    """What has arrived (until and with `upto`) was shown to me; by which devices what of it is news."""
    until = "AND rowid <= (SELECT rowid FROM message WHERE id = ?)" if upto else ""
    rows = tx.execute(
        f"UPDATE message SET seen = 1 WHERE {_UNREAD} {until} RETURNING device",
        (conversation, upto) if upto else (conversation,),
    )
    return {DeviceId(device) for (device,) in rows}


def expire_once(tx: Transaction, conversation: ConversationId, at_ms: int) -> None:
    """Let those vanish then that were to be read once, and were."""
    tx.execute(
        "UPDATE message SET expires_ms = ? WHERE conversation = ? AND expires_ms = ? AND seen",
        (at_ms, conversation, ONCE),
    )


def seen_up_to(tx: Reader, conversation: ConversationId, device: DeviceId) -> EntryId | None:
    """The last message of a device's chain up to which I have seen and could read all that it wrote.

    What is unread, waits for its key or its words, or was shown before its predecessors came, ends it.
    """
    row = tx.one(
        f"""SELECT m.id FROM message AS m JOIN entry AS e ON e.id = m.id
            WHERE m.conversation = ?1 AND m.device = ?2 AND m.seen AND m.kind != 'group'
              AND m.lamport < (SELECT coalesce(min(lamport), {1 << 62}) FROM (
                SELECT lamport FROM message
                WHERE conversation = ?1 AND device = ?2 AND NOT seen AND NOT mine AND kind != 'group'
                UNION ALL SELECT lamport FROM message
                WHERE conversation = ?1 AND device = ?2 AND session IS NOT NULL
                UNION ALL SELECT lamport FROM message
                WHERE conversation = ?1 AND device = ?2 AND kind = 'missing'))
            ORDER BY m.lamport DESC, m.id DESC LIMIT 1""",
        (conversation, device),
    )
    return EntryId(row[0]) if row else None


def _messages(rows: Iterable[Row]) -> list[Message]:
    return [_message(row) for row in rows]


def _message(row: Row) -> Message:
    id, conversation, lamport, device, person, mine, kind, text, sent_ms, received_ms, session = row[:11]
    reply, edited_ms, expires_ms, pinned, starred, event = row[11:]
    return Message(
        EntryId(id),
        ConversationId(conversation),
        lamport,
        DeviceId(device),
        PersonId(person),
        bool(mine),
        kind,
        text,
        sent_ms,
        received_ms,
        session,
        EntryId(reply) if reply else None,
        edited_ms,
        expires_ms,
        bool(pinned),
        bool(starred),
        event,
    )
