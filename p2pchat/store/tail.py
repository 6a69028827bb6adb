"""Where a conversation's log ends, kept in memory for the length of a commit.

A burst appends many entries, each behind the one before. What placing and appending one needs to know,
and what it changes beside the row of the entry itself, is looked up once for the burst and written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self

from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.log.chain import Stored
from p2pchat.core.log.entry import ChainHead, Entry
from p2pchat.store.reconcile import BucketCounter
from p2pchat.store.transaction import Transaction

_TABLES: Final = frozenset({"head", "bucket", "conversation"})


class Tail:
    """The end of one conversation's log, as the transaction sees it. `core.log.chain.LogLookup` is met."""

    def __init__(self, tx: Transaction, conversation: ConversationId) -> None:
        self._tx = tx
        self._conversation = conversation
        rows = tx.execute("SELECT entry, lamport FROM head WHERE conversation = ?", (conversation,))
        self._heads = {EntryId(row[0]): int(row[1]) for row in rows}
        self._ends: dict[DeviceId, ChainHead | None] = {}  # of chains that were asked for
        self._fresh: dict[EntryId, Stored] = {}  # appended in this commit
        self._new_heads: dict[EntryId, int] = {}  # that have no row yet
        self._old_heads: list[EntryId] = []  # that have a row and are none any more
        self._buckets = BucketCounter(conversation)
        self._used_ms = 0
        self.has_waiting = (
            tx.peek("SELECT 1 FROM waiting_entry WHERE conversation = ? LIMIT 1", (conversation,)) is not None
        )

    @classmethod
    def of(cls, tx: Transaction, conversation: ConversationId) -> Self:
        """The end of the log of `conversation`; the same one throughout a commit."""
        tail = tx.remembered("tail", conversation, lambda: cls(tx, conversation))
        tail._tx = tx  # a commit has several changes
        return tail

    def heads(self) -> tuple[tuple[EntryId, ...], int]:
        """The heads of the DAG, newest first, and the highest Lamport time (0 if empty)."""
        if len(self._heads) == 1:
            ((head, lamport),) = self._heads.items()
            return (head,), lamport
        newest_first = sorted(self._heads.items(), key=lambda head: -head[1])
        return tuple(id for id, _ in newest_first), newest_first[0][1] if newest_first else 0

    def chain_head(self, device: DeviceId) -> ChainHead | None:
        """The last entry of a device's chain, or None."""
        if device not in self._ends:
            row = self._tx.peek(
                "SELECT seq, id FROM entry WHERE conversation = ? AND device = ? ORDER BY seq DESC LIMIT 1",
                (self._conversation, device),
            )
            self._ends[device] = ChainHead(row[0], EntryId(row[1])) if row else None
        return self._ends[device]

    def stored(self, id: EntryId) -> Stored | None:
        """What must be known of an entry of this log to place others behind it; None if it is not there."""
        fresh = self._fresh.get(id)
        if fresh is not None:
            return fresh
        row = self._tx.peek(
            "SELECT device, seq, lamport FROM entry WHERE id = ? AND conversation = ?",
            (id, self._conversation),
        )
        return Stored(DeviceId(row[0]), row[1], row[2]) if row else None

    def numbered(self, device: DeviceId, seq: int) -> Sequence[EntryId]:
        """The entries of a device with this number: more than one if it forked."""
        end = self.chain_head(device)
        if end is None or seq > end.seq:
            return ()
        rows = self._tx.execute(
            "SELECT id FROM entry WHERE conversation = ? AND device = ? AND seq = ?",
            (self._conversation, device, seq),
        )
        return [EntryId(row[0]) for row in rows]

    def append(self, entry: Entry, now_ms: int, knows: bytes) -> None:
        """Queue an entry whose place was checked, and move the heads."""
        header, id = entry.header, entry.id
        end = self.chain_head(header.device)
        self._tx.queue(
            "INSERT INTO entry VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                id,
                self._conversation,
                header.device,
                header.seq,
                header.lamport,
                header.kind,
                entry.raw_header,
                entry.signature,
                entry.body,
                knows,
                now_ms,
            ),
        )
        self._fresh[id] = Stored(header.device, header.seq, header.lamport)
        if end is None or header.seq > end.seq:
            self._ends[header.device] = ChainHead(header.seq, id)
        for referred in header.referred:
            if self._heads.pop(referred, None) is not None and self._new_heads.pop(referred, None) is None:
                self._old_heads.append(referred)
        self._heads[id] = self._new_heads[id] = header.lamport
        self._buckets.add(self._tx, (header.lamport, id))
        self._write_later()

    def use(self, at_ms: int) -> None:
        """The conversation was used at `at_ms`."""
        self._used_ms = max(self._used_ms, at_ms)
        self._write_later()

    def _write_later(self) -> None:
        self._tx.flush_first(self, _TABLES, self._write)

    def _write(self) -> None:
        tx, conversation = self._tx, self._conversation
        for id in self._old_heads:
            tx.queue("DELETE FROM head WHERE conversation = ? AND entry = ?", (conversation, id))
        for id, lamport in self._new_heads.items():
            tx.queue("INSERT INTO head VALUES (?, ?, ?)", (conversation, id, lamport))
        self._old_heads.clear()
        self._new_heads.clear()
        self._buckets.write(tx)
        if self._used_ms:
            tx.queue(
                "UPDATE conversation SET last_ms = max(last_ms, ?) WHERE id = ?",
                (self._used_ms, conversation),
            )
            tx.forget("conversation", conversation)
            self._used_ms = 0
