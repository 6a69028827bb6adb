"""A conversation's log as reconciliation sees it: fingerprints kept for stretches of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from p2pchat.core.codec import encode
from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.log.order import Position
from p2pchat.core.sync.buckets import EMPTY, MAX_BUCKET, Bucket, BucketStorage
from p2pchat.core.sync.frames import Range, State
from p2pchat.store.transaction import Reader, Row, Transaction

_TOTAL_SIZE: Final = 32
_FAR: Final[Position] = (1 << 62, EntryId(bytes(32)))
MAX_GAPS: Final = 64
_PAGE: Final = 256  # rows read at a time while collecting a batch of entries


class BucketCounter:
    """Counts new entries of a log into its stretches; of the one in hand the row is written by `write`."""

    def __init__(self, conversation: ConversationId) -> None:
        self._conversation = conversation
        self._bucket: Bucket | None = None
        self._end: Position | None = None  # where the next stretch begins
        self._is_written = True

    def add(self, tx: Transaction, position: Position) -> None:
        """Count an entry that was queued or stored; cut its stretch if that has become long."""
        bucket = self._holding(tx, position).with_entry(position[1])
        self._bucket, self._is_written = bucket, False
        if bucket.count <= MAX_BUCKET:
            return
        lower, upper = bucket.halves(_load(tx, self._conversation, bucket.first, self._end))
        self._queue(tx, lower)
        self._bucket = upper
        self._is_written = False

    def write(self, tx: Transaction) -> None:
        """Queue the row of the stretch in hand."""
        if self._bucket is not None and not self._is_written:
            self._queue(tx, self._bucket)
            self._is_written = True

    def _holding(self, tx: Transaction, position: Position) -> Bucket:
        bucket = self._bucket
        if bucket is None or position < bucket.first or (self._end and position >= self._end):
            self.write(tx)
            tx.flush()
            bucket = _bucket_of(tx, self._conversation, position)
            self._end = _next_first(tx, self._conversation, bucket.first)
        return bucket

    def _queue(self, tx: Transaction, bucket: Bucket) -> None:
        total = bucket.total.to_bytes(_TOTAL_SIZE, "little")
        tx.queue(
            "INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?, ?)",
            (self._conversation, *bucket.first, bucket.count, total),
        )


class StoredLog:
    """`core.sync.session.LogReader` over one transaction."""

    def __init__(self, tx: Reader, conversation: ConversationId) -> None:
        self._tx = tx
        self._conversation = conversation

    def state(self) -> State:
        """Count and fingerprint of the log."""
        storage = self.storage()
        return State(storage.size(), storage.fingerprint())

    def heights(self) -> Mapping[DeviceId, int]:
        """The highest number of each device."""
        rows = self._tx.execute(
            "SELECT device, max(seq) FROM entry WHERE conversation = ? GROUP BY device", (self._conversation,)
        )
        return {DeviceId(row[0]): row[1] for row in rows}

    def lacking(self, ids: Sequence[EntryId]) -> set[EntryId]:
        """Those of `ids` that are neither stored nor wait for their predecessors; or lack their body."""
        lacking = set(ids)
        for start in range(0, len(ids), _PAGE):
            some = ids[start : start + _PAGE]
            marks = ",".join("?" * len(some))
            rows = self._tx.execute(
                f"""SELECT id FROM entry WHERE id IN ({marks}) AND NOT EXISTS (
                        SELECT 1 FROM message WHERE message.id = entry.id AND kind = 'missing')
                    UNION ALL SELECT id FROM waiting_entry WHERE id IN ({marks})""",
                (*some, *some),
            )
            lacking.difference_update(row[0] for row in rows)
        return lacking

    def gaps(self) -> Sequence[tuple[DeviceId, int]]:
        """Entries of which only the header came, at most `MAX_GAPS` of them: device and number."""
        rows = self._tx.execute(
            """SELECT e.device, e.seq FROM message AS m JOIN entry AS e ON e.id = m.id
               WHERE m.conversation = ? AND m.kind = 'missing' ORDER BY random() LIMIT ?""",
            (self._conversation, MAX_GAPS),
        )
        return [(DeviceId(device), seq) for device, seq in rows]

    def raw(self, id: EntryId) -> bytes | None:
        """The entry as it travels, or None."""
        row = self._tx.one(
            "SELECT header, signature, body FROM entry WHERE id = ? AND conversation = ?",
            (id, self._conversation),
        )
        return encode(list(row)) if row else None

    def in_ranges(
        self, ranges: Sequence[Range], after: Position | None, size_bytes: int
    ) -> Sequence[tuple[Position, bytes]]:
        """Entries in `ranges` behind `after`, in display order, about `size_bytes` of them."""
        wanted = {bytes(one.device): one for one in ranges}
        place: tuple[int, bytes] = after or (self._begin(ranges), b"")
        found: list[tuple[Position, bytes]] = []
        size = 0
        while size < size_bytes:
            rows = self._tx.execute(
                """SELECT lamport, id, device, seq, header, signature, body FROM entry
                   WHERE conversation = ? AND (lamport, id) > (?, ?) ORDER BY lamport, id LIMIT ?""",
                (self._conversation, *place, _PAGE),
            )
            for lamport, id, device, seq, header, signature, body in rows:
                one = wanted.get(device)
                if one and one.first <= seq <= one.last and size < size_bytes:
                    raw = encode([header, signature, body])
                    found.append(((lamport, EntryId(id)), raw))
                    size += len(raw)
            if len(rows) < _PAGE:
                break
            place = rows[-1][:2]
        return found

    def _begin(self, ranges: Sequence[Range]) -> int:
        """A Lamport time below all entries in `ranges`, so that old entries are not read in vain."""
        found = [
            self._tx.one(
                "SELECT min(lamport) FROM entry WHERE conversation = ? AND device = ? AND seq = ?",
                (self._conversation, one.device, one.first),
            )
            for one in ranges
        ]
        return min((row[0] for row in found if row and row[0] is not None), default=_FAR[0])

    def storage(self) -> BucketStorage:
        """The set of entries for range reconciliation."""
        rows = self._tx.execute(
            "SELECT lamport, entry, count, total FROM bucket WHERE conversation = ? ORDER BY lamport, entry",
            (self._conversation,),
        )
        return BucketStorage(
            [_bucket(row) for row in rows] or [EMPTY],
            lambda first, end: _load(self._tx, self._conversation, first, end),
        )


def _bucket_of(tx: Reader, conversation: ConversationId, position: Position) -> Bucket:
    row = tx.one(
        """SELECT lamport, entry, count, total FROM bucket
           WHERE conversation = ? AND (lamport, entry) <= (?, ?) ORDER BY lamport DESC, entry DESC LIMIT 1""",
        (conversation, *position),
    )
    return _bucket(row) if row else EMPTY


def _next_first(tx: Reader, conversation: ConversationId, first: Position) -> Position | None:
    row = tx.one(
        """SELECT lamport, entry FROM bucket
           WHERE conversation = ? AND (lamport, entry) > (?, ?) ORDER BY lamport, entry LIMIT 1""",
        (conversation, *first),
    )
    return (row[0], EntryId(row[1])) if row else None


def _load(tx: Reader, conversation: ConversationId, first: Position, end: Position | None) -> list[Position]:
    rows = tx.execute(
        """SELECT lamport, id FROM entry
           WHERE conversation = ? AND (lamport, id) >= (?, ?) AND (lamport, id) < (?, ?)
           ORDER BY lamport, id""",
        (conversation, *first, *(end or _FAR)),
    )
    return [(row[0], EntryId(row[1])) for row in rows]


def _bucket(row: Row) -> Bucket:
    return Bucket((row[0], EntryId(row[1])), row[2], int.from_bytes(row[3], "little"))
