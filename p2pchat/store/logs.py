"""The append-only logs: entries, the heads of their DAGs, and entries that wait for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from p2pchat.core.group.operations import KIND as GROUP_KIND
from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.core.log.chain import Stored
from p2pchat.core.log.entry import ChainHead, Entry, Header
from p2pchat.core.log.runs import MAX_RUN
from p2pchat.store.tail import Tail
from p2pchat.store.transaction import Reader, Row, Transaction

_CONVERSATION = "id, kind, person, last_ms, timer_s, muted_until_ms, archived, draft"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A log, and how its chat is kept."""

    id: ConversationId
    kind: str  # direct | group
    person: PersonId | None
    last_ms: int
    timer_s: int  # texts vanish after so many seconds; 0: never
    muted_until_ms: int
    archived: bool
    draft: str


@dataclass(frozen=True, slots=True)
class Fork:
    """A device wrote two entries with one number; `proof` is an encoded `EquivocationProof`."""

    device: DeviceId
    seq: int
    proof: bytes


def conversation(tx: Reader, id: ConversationId) -> Conversation | None:
    """The conversation `id`, or None."""

    def load() -> Conversation | None:
        row = tx.one(f"SELECT {_CONVERSATION} FROM conversation WHERE id = ?", (id,))
        return _conversation(row) if row else None

    return tx.remembered("conversation", id, load)


def conversations(tx: Reader, *, limit: int | None = None) -> list[Conversation]:
    """All conversations, or so many, the most recently used first."""
    order = "ORDER BY last_ms DESC, id LIMIT ?"
    rows = tx.execute(f"SELECT {_CONVERSATION} FROM conversation {order}", (-1 if limit is None else limit,))
    return [_conversation(row) for row in rows]


def open_direct(tx: Transaction, id: ConversationId, person: PersonId) -> None:
    """Have the direct conversation with `person`."""
    if conversation(tx, id) is None:
        tx.execute("INSERT INTO conversation (id, kind, person) VALUES (?, 'direct', ?)", (id, person))


def open_group(tx: Transaction, id: ConversationId) -> None:
    """Have the conversation of a group."""
    tx.execute("INSERT OR IGNORE INTO conversation (id, kind) VALUES (?, 'group')", (id,))


def touch(tx: Transaction, id: ConversationId, at_ms: int) -> None:
    """The conversation was used at `at_ms`."""
    Tail.of(tx, id).use(at_ms)


def set_timer(tx: Transaction, id: ConversationId, seconds: int) -> None:
    """Texts of the conversation vanish after so many seconds from now on; 0: never."""
    tx.execute("UPDATE conversation SET timer_s = ? WHERE id = ?", (seconds, id))


def set_muted(tx: Transaction, id: ConversationId, until_ms: int) -> None:
    """Do not notify of new messages until then."""
    tx.execute("UPDATE conversation SET muted_until_ms = ? WHERE id = ?", (until_ms, id))


def set_archived(tx: Transaction, id: ConversationId, archived: bool) -> None:
    """Keep the conversation out of sight, or in it again."""
    tx.execute("UPDATE conversation SET archived = ? WHERE id = ?", (archived, id))


def set_draft(tx: Transaction, id: ConversationId, draft: str) -> bool:
    """What was typed and not sent; whether there is such a conversation."""
    return bool(tx.execute("UPDATE conversation SET draft = ? WHERE id = ? RETURNING 1", (draft, id)))


def append(tx: Transaction, entry: Entry, now_ms: int, *, knows: Iterable[EntryId] = ()) -> None:
    """Add an entry whose place was checked, and move the heads.

    `knows` are the newest operations of the group that it stands behind, itself if it is one.
    """
    known = frozenset(knows)
    Tail.of(tx, entry.conversation).append(entry, now_ms, b"".join(sorted(known)))
    tx.remember("knows", entry.id, known)
    if entry.header.kind == GROUP_KIND:
        _count_operation(tx, entry.conversation, entry.id)


def has(tx: Reader, id: EntryId) -> bool:
    """Whether the entry is stored."""
    return tx.one("SELECT 1 FROM entry WHERE id = ?", (id,)) is not None


def get(tx: Reader, id: EntryId) -> Entry | None:
    """The entry `id`, or None."""
    row = tx.one("SELECT header, signature, body FROM entry WHERE id = ?", (id,))
    return _entry(row) if row else None


def fill_in(tx: Transaction, entry: Entry) -> None:
    """Keep what a stored entry says, which some carrier had left out."""
    tx.execute("UPDATE entry SET body = ? WHERE id = ?", (entry.body, entry.id))


def erase(tx: Transaction, id: EntryId) -> None:
    """Forget what an entry said; its header stays, so that the chain can be verified."""
    tx.execute("UPDATE entry SET body = NULL WHERE id = ?", (id,))


def stored(tx: Reader, conversation: ConversationId, id: EntryId) -> Stored | None:
    """What must be known of an entry of this log to place others behind it; None if it is not there."""
    row = tx.one(
        "SELECT device, seq, lamport FROM entry WHERE id = ? AND conversation = ?", (id, conversation)
    )
    return Stored(DeviceId(row[0]), row[1], row[2]) if row else None


def knows(tx: Reader, id: EntryId) -> frozenset[EntryId]:
    """The newest operations of its group that an entry knows."""

    def load() -> frozenset[EntryId]:
        row = tx.one("SELECT knows FROM entry WHERE id = ?", (id,))
        return _ids(row[0] if row else b"")

    return tx.remembered("knows", id, load)


def known_by(
    tx: Reader, conversation: ConversationId
) -> Iterator[tuple[DeviceId, int, EntryId, frozenset[EntryId]]]:
    """Of every entry: device, number, id, and the newest operations that it knows, itself if it is one."""
    for device, seq, id, joined in tx.execute(
        "SELECT device, seq, id, knows FROM entry WHERE conversation = ? ORDER BY device, seq",
        (conversation,),
    ):
        yield DeviceId(device), seq, EntryId(id), _ids(joined)


def operations(tx: Reader, group: ConversationId) -> tuple[int, EntryId | None]:
    """How many operations of a group are stored, and the one that was stored last."""

    def load() -> tuple[int, EntryId | None]:
        row = tx.peek("SELECT operations, last_operation FROM conversation WHERE id = ?", (group,))
        return (row[0], EntryId(row[1])) if row and row[0] else (0, None)

    return tx.remembered("conversation", b"operations of " + group, load)


def _count_operation(tx: Transaction, group: ConversationId, id: EntryId) -> None:
    tx.execute(
        "UPDATE conversation SET operations = operations + 1, last_operation = ? WHERE id = ?", (id, group)
    )


def of_kind(tx: Reader, conversation: ConversationId, kind: str) -> list[Entry]:
    """All entries of a kind, in display order."""
    rows = tx.execute(
        """SELECT header, signature, body FROM entry
           WHERE conversation = ? AND kind = ? ORDER BY lamport, id""",
        (conversation, kind),
    )
    return [_entry(row) for row in rows]


def operations_since(tx: Reader, group: ConversationId, skip: int) -> list[Entry]:
    """The operations of a group in the order in which they were stored, without the first `skip`."""
    rows = tx.execute(
        f"""SELECT header, signature, body FROM entry
            WHERE conversation = ? AND kind = '{GROUP_KIND}' ORDER BY number LIMIT -1 OFFSET ?""",
        (group, max(skip, 0)),
    )
    return [_entry(row) for row in rows]


def of_author_since(
    tx: Reader, conversation: ConversationId, device: DeviceId, lamport: int
) -> Iterator[Entry]:
    """Entries of a device that are not older than `lamport`, in order."""
    for row in tx.execute(
        """SELECT header, signature, body FROM entry
           WHERE conversation = ? AND device = ? AND lamport >= ? ORDER BY seq""",
        (conversation, device, lamport),
    ):
        yield _entry(row)


def behind(tx: Reader, conversation: ConversationId, device: DeviceId, seq: int) -> list[EntryId]:
    """The entries of a device with numbers above `seq`."""
    rows = tx.execute(
        "SELECT id FROM entry WHERE conversation = ? AND device = ? AND seq > ?", (conversation, device, seq)
    )
    return [EntryId(row[0]) for row in rows]


def received_ms(tx: Reader, id: EntryId) -> int:
    """When an entry was stored; 0 if it is not."""
    row = tx.one("SELECT received_ms FROM entry WHERE id = ?", (id,))
    return row[0] if row else 0


def run_from(tx: Reader, id: EntryId) -> list[Entry]:
    """An entry and what follows it in its device's chain, as far as a proof of a fork needs it."""
    first = get(tx, id)
    assert first is not None
    run = [first]
    rows = tx.execute(
        """SELECT header, signature, body FROM entry
           WHERE conversation = ? AND device = ? AND seq > ? AND seq < ? ORDER BY seq""",
        (first.conversation, first.header.device, first.header.seq, first.header.seq + MAX_RUN),
    )
    for entry in map(_entry, rows):
        if entry.header.prev == run[-1].id:  # after a fork there are others with these numbers
            run.append(entry)
    return run


def heads(tx: Reader, conversation: ConversationId) -> tuple[tuple[EntryId, ...], int]:
    """The heads of the DAG, newest first, and the highest Lamport time (0 if empty)."""
    rows = tx.execute(
        "SELECT entry, lamport FROM head WHERE conversation = ? ORDER BY lamport DESC", (conversation,)
    )
    return tuple(EntryId(row[0]) for row in rows), rows[0][1] if rows else 0


def chain_head(tx: Reader, conversation: ConversationId, device: DeviceId) -> ChainHead | None:
    """The last entry of a device's chain, or None."""
    row = tx.one(
        "SELECT seq, id FROM entry WHERE conversation = ? AND device = ? ORDER BY seq DESC LIMIT 1",
        (conversation, device),
    )
    return ChainHead(row[0], EntryId(row[1])) if row else None


def add_equivocation(
    tx: Transaction, conversation: ConversationId, device: DeviceId, seq: int, proof: bytes
) -> None:
    """Keep the proof that a device wrote two entries with one number."""
    tx.execute("INSERT OR IGNORE INTO equivocation VALUES (?, ?, ?, ?)", (conversation, device, seq, proof))


def equivocations(tx: Reader, conversation: ConversationId) -> list[Fork]:
    """The numbers of a conversation that their devices have used twice, with the proofs."""
    rows = tx.execute(
        "SELECT device, seq, proof FROM equivocation WHERE conversation = ? ORDER BY device, seq",
        (conversation,),
    )
    return [Fork(DeviceId(device), seq, proof) for device, seq, proof in rows]


def is_forked(tx: Reader, conversation: ConversationId, device: DeviceId, seq: int) -> bool:
    """Whether there is a proof that a device has used this number twice."""
    sql = "SELECT 1 FROM equivocation WHERE conversation = ? AND device = ? AND seq = ?"
    return tx.one(sql, (conversation, device, seq)) is not None


def wait(tx: Transaction, entry: Entry, missing: EntryId, now_ms: int) -> None:
    """Keep an entry until `missing`, which it refers to, is stored."""
    Tail.of(tx, entry.conversation).has_waiting = True
    tx.execute(
        "INSERT OR REPLACE INTO waiting_entry VALUES (?, ?, ?, ?, ?, ?)",
        (entry.id, entry.conversation, entry.header.device, missing, entry.encode(), now_ms),
    )


def waiting_for(tx: Reader, missing: EntryId) -> list[Entry]:
    """Entries that wait for `missing`."""
    return [
        Entry.decode(row[0])
        for row in tx.execute("SELECT raw FROM waiting_entry WHERE missing = ?", (missing,))
    ]


def count_waiting(tx: Reader, conversation: ConversationId, device: DeviceId) -> tuple[int, int]:
    """How many entries wait: of a device, and of the whole conversation."""
    row = tx.one(
        "SELECT count(*) FILTER (WHERE device = ?2), count(*) FROM waiting_entry WHERE conversation = ?1",
        (conversation, device),
    )
    assert row is not None
    return row[0], row[1]


def waiting_since(tx: Reader, before_ms: int) -> list[EntryId]:
    """Entries that have waited for their predecessors since before a moment."""
    rows = tx.execute("SELECT id FROM waiting_entry WHERE received_ms < ?", (before_ms,))
    return [EntryId(row[0]) for row in rows]


def stop_waiting(tx: Transaction, id: EntryId) -> None:
    """Forget an entry that waits: it was taken, or will never be."""
    tx.execute("DELETE FROM waiting_entry WHERE id = ?", (id,))


def newest_first(tx: Reader, conversation: ConversationId) -> Iterator[Entry]:
    """All entries of a log, from its end."""
    for row in tx.execute(
        "SELECT header, signature, body FROM entry WHERE conversation = ? ORDER BY lamport DESC, id DESC",
        (conversation,),
    ):
        yield _entry(row)


def _ids(joined: bytes) -> frozenset[EntryId]:
    return frozenset(EntryId(joined[i : i + EntryId.size]) for i in range(0, len(joined), EntryId.size))


def _entry(row: Row) -> Entry:
    return Entry(Header.decode(row[0]), row[0], row[1], row[2])


def _conversation(row: Row) -> Conversation:
    id, kind, person, last_ms, timer_s, muted_until_ms, archived, draft = row
    return Conversation(
        ConversationId(id),
        kind,
        PersonId(person) if person else None,
        last_ms,
        timer_s,
        muted_until_ms,
        bool(archived),
        draft,
    )
