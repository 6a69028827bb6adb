"""One side of the reconciliation of one log over one stream; it reads no stream and no clock.

Both sides run the same rounds. Each says how its log looks (`State`); if that differs, how long each
device's chain is (`Have`); then each asks for what it lacks (`Want`) and serves what the other asks
for (`Entries`, then `Done`), and both say that they are `Settled`. Logs that differ though the heights
show no gap, or an entry that refers to one nobody sent, mean that a device has forked: the side that
opened the stream then finds the difference by ranges (`Reconcile`, `WantIds`).

Who is no member any more is not reconciled with but told so (`Ended`); he then says how long his chains are,
and gets what was written before he was out (farewell.py).

Between rounds either side may begin another, or push new entries, for as long as the stream lives.
Whatever was handed out before a stream broke is kept by the caller, and the next session goes on from
there: the log itself is the state. Which entries fit, and who may be served, the caller decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.log.entry import Entry
from p2pchat.core.log.order import Position
from p2pchat.core.log.runs import RunVerifier
from p2pchat.core.sync import negentropy
from p2pchat.core.sync.frames import (
    MAX_DEVICES,
    MAX_IDS,
    MAX_RANGE_MESSAGE,
    Control,
    Done,
    Ended,
    Entries,
    Frame,
    Have,
    Held,
    Range,
    Reconcile,
    Settled,
    State,
    Want,
    WantIds,
    decode_frame,
    encode_frame,
    pack_entries,
)
from p2pchat.core.sync.heads import NEWEST_FIRST, missing_ranges, split_newest
from p2pchat.errors import ProtocolError

BATCH_BYTES: Final = 256 * 1024  # read and sent at a time; small enough to let other streams in between
_MAX_REPLIES: Final = 64  # messages of one range reconciliation; a million entries need six
_MAX_FOUND: Final = 4 * MAX_IDS  # what one round fetches by id; the next round finds the rest


class LogReader(Protocol):
    """One conversation's log as the store has it during one call."""

    def state(self) -> State:
        """Count and fingerprint."""

    def heights(self) -> Mapping[DeviceId, int]:
        """The highest number of each device that has entries."""

    def lacking(self, ids: Sequence[EntryId]) -> set[EntryId]:
        """Those of `ids` that are neither stored nor wait for their predecessors; or lack their body."""

    def gaps(self) -> Sequence[tuple[DeviceId, int]]:
        """Some of the stored entries whose body is missing and might be had: device and number."""

    def raw(self, id: EntryId) -> bytes | None:
        """The entry as it travels, or None if it is not stored."""

    def in_ranges(
        self, ranges: Sequence[Range], after: Position | None, size_bytes: int
    ) -> Sequence[tuple[Position, bytes]]:
        """The entries in `ranges` behind the position `after`, in display order, as they travel.

        At least one unless there are no more, and about `size_bytes` in all.
        """

    def storage(self) -> negentropy.Storage:
        """The set of entries for range reconciliation."""


class SyncSession:
    """Give it each frame that arrives (`receive`), and write frames while there are any (`next_frame`)."""

    def __init__(self, conversation: ConversationId, *, initiator: bool) -> None:
        """`initiator` is true for the side that opened the stream, and for that side alone."""
        self._conversation = conversation
        self._initiator = initiator
        self._verifier = RunVerifier()
        self._frames: deque[bytes] = deque()
        self._jobs: deque[_Job] = deque()
        self._round: _Round | None = None
        self._asked_again: set[tuple[DeviceId, int]] = set()  # gaps that this peer was asked to fill
        self.peer_heights: Mapping[DeviceId, int] | None = None  # as the last frame told, if it did
        self.brought_by: DeviceId | None = None  # who wrote the last entry of the last frame, if it had one

    @property
    def is_settled(self) -> bool:
        """Whether no round is under way: all that each side knew to be missing was sent."""
        return self._round is None

    def start(self, log: LogReader) -> None:
        """Begin a round unless one is under way."""
        if self._round is None:
            self._round = _Round(self._state(log))
            self._send(self._round.ours)

    def _state(self, log: LogReader) -> State:
        """The log's state, in which entries without a body do not count: so the round goes on to them."""
        state = log.state()
        gaps = set(log.gaps()) - self._asked_again
        return State(state.count - len(gaps), state.fingerprint)

    def held(self, heights: Mapping[DeviceId, int]) -> None:
        """Tell the peer that what he pushed is stored: chains are so long now."""
        self._send(Held(dict(heights)))

    @property
    def has_frames(self) -> bool:
        """Whether there is something to write."""
        return bool(self._frames or self._jobs)

    def next_frame(self, log: LogReader) -> bytes | None:
        """The next frame to write, or None until another arrives or a round begins.

        What the peer asked for is read from `log` piece by piece, when there is room to write it.
        """
        if not self._frames and self._jobs:
            self._frames.extend(pack_entries(self._jobs[0].batch(log)))
            if not self._frames:
                self._jobs.popleft()
                self._send(Done())
                self._advance(log)
        return self._frames.popleft() if self._frames else None

    def receive(self, raw: bytes, log: LogReader) -> list[Entry]:
        """The entries that the frame `raw` brings and `log` lacks, each proven to be its author's.

        Entries of one chain come in order; whether they fit the log is for the caller to see.

        Raises:
            ProtocolError: the frame is malformed or out of place. The stream is to be closed.
        """
        frame = decode_frame(raw)
        self.peer_heights = frame.heights if isinstance(frame, Have | Held) else None
        self.brought_by = None
        if isinstance(frame, Held):
            return []
        if isinstance(frame, Entries):
            self.brought_by = frame.entries[-1].header.device if frame.entries else None
            return self._prove(frame.entries, log)
        if isinstance(frame, State):
            self._compare(frame, log)
            return []
        if isinstance(frame, Ended):
            self._round = None
            self._jobs.clear()
            self._send(Have(_bounded(log.heights())))
            return []
        if self._round is None or self._round.theirs is None:
            raise ProtocolError("a frame outside of a round")
        self._go_on(frame, self._round, log)
        self._advance(log)
        return []

    def _prove(self, entries: Sequence[Entry], log: LogReader) -> list[Entry]:
        if any(entry.conversation != self._conversation for entry in entries):
            raise ProtocolError("an entry of another conversation")
        new = log.lacking([entry.id for entry in entries])
        if self._round is not None:
            self._round.note_loose(entries)
        # An entry that is known may still carry the signature that proves the new one before it.
        useful = [entry for entry in entries if entry.id in new or entry.header.prev in new]
        proven = self._verifier.add(useful)
        lacking = log.lacking([entry.id for entry in proven])  # others were held back since an earlier frame
        return [entry for entry in proven if entry.id in lacking]

    def _compare(self, theirs: State, log: LogReader) -> None:
        self.start(log)
        assert self._round is not None
        if self._round.theirs is not None:
            raise ProtocolError("a round begins while another is under way")
        self._round.theirs = theirs
        if theirs == self._round.ours:
            self._round = None
            if log.state() == theirs:  # else we have written since we said how our log looks
                self.peer_heights = log.heights()
        else:
            self._send(Have(_bounded(log.heights())))

    def _go_on(self, frame: Frame, now: _Round, log: LogReader) -> None:
        match frame:
            case Have(heights) if not now.asked:
                lacking = missing_ranges(log.heights(), heights)
                self._ask((*lacking, *self._gaps(log, {one.device for one in lacking})), now)
            case Want(ranges, more) if not now.peer_asked and not now.ranging and len(self._jobs) < 2:
                self._jobs.append(RangesJob(ranges))
                now.peer_asked = not more
                now.found_gaps |= bool(ranges)
            case Done() if now.outstanding:
                now.outstanding -= 1
                if not now.outstanding:
                    self._verifier.finish()
            case Settled() if now.peer_asked and now.peer_settled is None:
                now.peer_settled = frame
            case Reconcile(message) if now.ranging and now.replies < _MAX_REPLIES:
                now.replies += 1
                if self._initiator and not now.asked:
                    self._learn(message, now, log)
                elif not self._initiator and not now.peer_asked:
                    answer = negentropy.respond(log.storage(), message, frame_limit=MAX_RANGE_MESSAGE)
                    self._send(Reconcile(answer))
                else:
                    raise ProtocolError("a range reconciliation that is over")
            case WantIds(ids, more) if now.ranging and not now.peer_asked:
                now.need += ids
                if len(now.need) > _MAX_FOUND:
                    raise ProtocolError("too many entries asked for by id")
                if not more:
                    now.peer_asked = True
                    self._jobs.append(_IdsJob(now.need))
            case _:
                raise ProtocolError("a frame out of place")

    def _gaps(self, log: LogReader, busy: set[DeviceId]) -> tuple[Range, ...]:
        """A range that holds gaps for each device that is not `busy`; a peer is asked once for each gap."""
        found: dict[DeviceId, Range] = {}
        for device, seq in sorted(set(log.gaps()) - self._asked_again):
            first = found[device].first if device in found else seq
            if device not in busy and seq - first < NEWEST_FIRST:
                found[device] = Range(device, first, seq)
                self._asked_again.add((device, seq))
        return tuple(found.values())

    def _ask(self, ranges: tuple[Range, ...], now: _Round) -> None:
        newest, older = split_newest(ranges)
        if newest:
            self._send(Want(newest, more=True))
        self._send(Want(older))
        now.outstanding = 2 if newest else 1
        now.asked = True
        now.found_gaps |= bool(ranges)

    def _learn(self, message: bytes, now: _Round, log: LogReader) -> None:
        progress = negentropy.reconcile(log.storage(), message, frame_limit=MAX_RANGE_MESSAGE)
        now.have += progress.have
        now.need += progress.need
        is_enough = len(now.have) > _MAX_FOUND or len(now.need) > _MAX_FOUND
        if progress.message is not None and not is_enough and now.replies < _MAX_REPLIES:
            self._send(Reconcile(progress.message))
            return
        need = sorted(set(now.need))[:_MAX_FOUND]
        for start in range(0, max(len(need), 1), MAX_IDS):
            self._send(WantIds(tuple(need[start : start + MAX_IDS]), more=start + MAX_IDS < len(need)))
        self._jobs.append(_IdsJob(now.have[:_MAX_FOUND]))
        now.asked = True
        now.outstanding = 1

    def _advance(self, log: LogReader) -> None:
        """Go on when each side has asked and was served: to a closer look, or to the end of the round."""
        now = self._round
        if now is None or not (now.asked and now.peer_asked) or now.outstanding or self._jobs:
            return
        if now.ranging:
            self._round = None
            return
        if now.settled is None:
            has_fork = bool(log.lacking(list(now.loose)))
            now.settled = Settled(has_fork or not now.found_gaps)
            self._send(now.settled)
        if now.peer_settled is None:
            return
        if not (now.settled.look_closer or now.peer_settled.look_closer):
            self._round = None
            return
        now.ranging = True
        now.asked, now.peer_asked = not self._initiator, self._initiator
        if self._initiator:
            self._send(Reconcile(negentropy.initiate(log.storage())))
        else:
            now.outstanding = 1

    def _send(self, frame: Control) -> None:
        self._frames.append(encode_frame(frame))


def _bounded(heights: Mapping[DeviceId, int]) -> dict[DeviceId, int]:
    """As many as fit a frame; a log of more devices is reconciled by ranges in the end."""
    return dict(sorted(heights.items())[:MAX_DEVICES])


@dataclass(slots=True)
class _Round:
    ours: State
    theirs: State | None = None
    asked: bool = False  # our last question was sent
    peer_asked: bool = False  # its last question has come
    found_gaps: bool = False  # one side asked for something
    loose: set[EntryId] = field(default_factory=set)  # referred to by what came, and not in its frame
    outstanding: int = 0  # `Done` frames that we wait for
    settled: Settled | None = None
    peer_settled: Settled | None = None
    ranging: bool = False
    replies: int = 0
    have: list[EntryId] = field(default_factory=list)
    need: list[EntryId] = field(default_factory=list)

    def note_loose(self, entries: Sequence[Entry]) -> None:
        """Remember what `entries` refer to and do not contain."""
        if len(self.loose) < MAX_IDS:
            self.loose.update(*(entry.header.referred for entry in entries))
            self.loose.difference_update(entry.id for entry in entries)


class _Job(Protocol):
    def batch(self, log: LogReader) -> Sequence[bytes]:
        """The next entries to send; none when all were."""


class RangesJob:
    """Serves ranges of chains piece by piece."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._ranges = ranges
        self._after: Position | None = None

    def batch(self, log: LogReader) -> Sequence[bytes]:
        """The next entries to send; none when all were."""
        found = log.in_ranges(self._ranges, self._after, BATCH_BYTES) if self._ranges else []
        if found:
            self._after = found[-1][0]
        return [raw for _, raw in found]


class _IdsJob:
    def __init__(self, ids: Iterable[EntryId]) -> None:
        self._ids = deque(ids)

    def batch(self, log: LogReader) -> Sequence[bytes]:
        found: list[bytes] = []
        size = 0
        while self._ids and size < BATCH_BYTES:
            raw = log.raw(self._ids.popleft())
            if raw is not None:
                found.append(raw)
                size += len(raw)
        return found
