"""Members with a log in memory, and a line between two of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

import pytest

from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.chain import Fits, Missing, Stored, place
from p2pchat.core.log.entry import ChainHead, Entry, author
from p2pchat.core.log.order import Position
from p2pchat.core.sync.buckets import EMPTY, Bucket, BucketStorage
from p2pchat.core.sync.frames import Range, State
from p2pchat.core.sync.session import SyncSession

CONVERSATION = ConversationId(b"c" * 32)


def position(entry: Entry) -> Position:
    return entry.header.lamport, entry.id


class Member:
    """A device with a log: it writes, takes entries, and answers what a session asks."""

    def __init__(self, name: str) -> None:
        self.key = SigningKey(name.encode().ljust(32, b"\0"))
        self.device = DeviceId(self.key.public)
        self.entries: dict[EntryId, Entry] = {}
        self.waiting: dict[EntryId, Entry] = {}
        self.raw_bytes = 0

    def write(self, text: str = "x", clock_ms: int = 1_000_000) -> Entry:
        """Write an entry on top of all that is stored."""
        mine = [e for e in self.entries.values() if e.header.device == self.device]
        last = max(mine, key=position, default=None)
        heads = sorted(self.entries.values(), key=position)[-3:]
        entry = author(
            self.key,
            CONVERSATION,
            chain=ChainHead(last.header.seq, last.id) if last else None,
            heads=tuple(head.id for head in heads),
            lamport=max((head.header.lamport for head in heads), default=0),
            sent_ms=clock_ms,
            kind="text",
            body=text.encode(),
        )
        self.take([entry])
        return entry

    def take(self, entries: Iterable[Entry]) -> None:
        """What a node does with entries whose authors are proven."""
        for entry in entries:
            where = place(entry, self)
            if isinstance(where, Missing):
                self.waiting[entry.id] = entry
            elif entry.id in self.entries and entry.body is not None:
                self.entries[entry.id] = entry
            elif isinstance(where, Fits):
                self.entries[entry.id] = entry
                waiting, self.waiting = self.waiting, {}
                self.take(waiting.values())

    def shown(self) -> list[EntryId]:
        return [entry.id for entry in sorted(self.entries.values(), key=position)]

    # LogLookup

    def stored(self, id: EntryId) -> Stored | None:
        entry = self.entries.get(id)
        return Stored(entry.header.device, entry.header.seq, entry.header.lamport) if entry else None

    def numbered(self, device: DeviceId, seq: int) -> Sequence[EntryId]:
        return [e.id for e in self.entries.values() if (e.header.device, e.header.seq) == (device, seq)]

    # LogReader

    def state(self) -> State:
        storage = self.storage()
        return State(storage.size(), storage.fingerprint())

    def heights(self) -> dict[DeviceId, int]:
        found: dict[DeviceId, int] = {}
        for entry in self.entries.values():
            found[entry.header.device] = max(found.get(entry.header.device, 0), entry.header.seq)
        return found

    def lacking(self, ids: Sequence[EntryId]) -> set[EntryId]:
        return {id for id in ids if id not in self.entries or self.entries[id].body is None}

    def gaps(self) -> list[tuple[DeviceId, int]]:
        return [(e.header.device, e.header.seq) for e in self.entries.values() if e.body is None]

    def raw(self, id: EntryId) -> bytes | None:
        return self.entries[id].encode() if id in self.entries else None

    def in_ranges(
        self, ranges: Sequence[Range], after: Position | None, size_bytes: int
    ) -> list[tuple[Position, bytes]]:
        wanted = {item.device: range(item.first, item.last + 1) for item in ranges}
        found, size = [], 0
        for entry in sorted(self.entries.values(), key=position):
            if (after is None or position(entry) > after) and entry.header.seq in wanted.get(
                entry.header.device, ()
            ):
                found.append((position(entry), entry.encode()))
                size += len(found[-1][1])
                if size >= size_bytes:
                    break
        return found

    def storage(self) -> BucketStorage:
        return storage_of([position(entry) for entry in self.entries.values()])


def storage_of(positions: Iterable[Position], size: int = 64) -> BucketStorage:
    """Buckets of `size` over a list."""
    items = sorted(positions)
    pieces = [items[start : start + size] for start in range(0, len(items), size)]
    firsts = [EMPTY.first, *(piece[0] for piece in pieces[1:])]
    buckets = list(map(Bucket.of, firsts, pieces)) or [EMPTY]

    def load(first: Position, end: Position | None) -> list[Position]:
        return items[bisect_left(items, first) : len(items) if end is None else bisect_left(items, end)]

    return BucketStorage(buckets, load)


class Line:
    """A stream between two members, carried frame by frame."""

    def __init__(self, one: Member, other: Member) -> None:
        self.ends = (one, other)
        self.sessions = (
            SyncSession(CONVERSATION, initiator=True),
            SyncSession(CONVERSATION, initiator=False),
        )
        self.sent: list[bytes] = []

    def step(self) -> bool:
        """Each side writes at most one frame; false when neither has any."""
        moved = False
        for side in (0, 1):
            frame = self.sessions[side].next_frame(self.ends[side])
            if frame is not None:
                moved = True
                self.sent.append(frame)
                other = self.ends[1 - side]
                other.take(self.sessions[1 - side].receive(frame, other))
        return moved

    def settle(self) -> None:
        """Run one round to its end."""
        self.sessions[0].start(self.ends[0])
        while self.step():
            pass
        assert all(session.is_settled for session in self.sessions)


@pytest.fixture
def member() -> Callable[[str], Member]:
    return Member


@pytest.fixture
def line() -> Callable[[Member, Member], Line]:
    return Line


@pytest.fixture
def storage() -> Callable[[Iterable[Position]], BucketStorage]:
    return storage_of
