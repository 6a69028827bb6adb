"""Authors who write entries, and a log kept in dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.chain import Fits, Place, Stored, place
from p2pchat.core.log.entry import ChainHead, Entry, author

CONVERSATION = ConversationId(b"c" * 32)


class Writer:
    """One device that writes entries on top of what it is given."""

    def __init__(self, name: str, conversation: ConversationId = CONVERSATION) -> None:
        self.key = SigningKey(name.encode().ljust(32, b"\0"))
        self.device = DeviceId(self.key.public)
        self.conversation = conversation
        self.last: Entry | None = None

    def write(self, text: str, *parents: Entry, clock_ms: int = 1_000_000) -> Entry:
        """The next entry of the chain, on top of `parents` and the writer's own last entry."""
        below = [*parents, *([self.last] if self.last else [])]
        self.last = author(
            self.key,
            self.conversation,
            chain=ChainHead(self.last.header.seq, self.last.id) if self.last else None,
            heads=tuple(entry.id for entry in parents),
            lamport=max((entry.header.lamport for entry in below), default=0),
            sent_ms=clock_ms,
            kind="text",
            body=text.encode(),
        )
        return self.last

    def fork(self) -> Writer:
        """The same device, ready to write a second entry where it will write its next."""
        other = Writer("", self.conversation)
        other.key, other.device, other.last = self.key, self.device, self.last
        return other


class MemoryLog:
    """Answers the look-ups of `place`."""

    def __init__(self) -> None:
        self.entries: dict[EntryId, Entry] = {}

    def stored(self, id: EntryId) -> Stored | None:
        entry = self.entries.get(id)
        return Stored(entry.header.device, entry.header.seq, entry.header.lamport) if entry else None

    def numbered(self, device: DeviceId, seq: int) -> Sequence[EntryId]:
        return [e.id for e in self.entries.values() if (e.header.device, e.header.seq) == (device, seq)]

    def take(self, entry: Entry) -> Place:
        where = place(entry, self)
        if isinstance(where, Fits):
            self.entries[entry.id] = entry
        return where


@pytest.fixture
def writer() -> Callable[[str], Writer]:
    return Writer


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()
