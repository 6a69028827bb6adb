"""What taking entries into a log costs beside checking one signature for each, as ratios within one run.

Run `python benchmarks/log.py [rounds]`. *Raw* is one Ed25519 verification (libsodium) per entry and
nothing else: what a log costs that checks every signature and does no more. *Ours* is all that the core
does: decode the frame, prove the entries, place each in the log. The disk is not in it. Both alternate in
small rounds, so that a noisy machine disturbs both; the median round counts.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial

from p2pchat.core.ids import ConversationId, DeviceId, EntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.chain import Fits, Stored, place
from p2pchat.core.log.entry import ChainHead, Entry, author
from p2pchat.core.log.order import Position
from p2pchat.core.log.runs import RunVerifier
from p2pchat.core.sync.buckets import EMPTY, MAX_BUCKET, Bucket, BucketStorage
from p2pchat.core.sync.frames import Entries, decode_frame, pack_entries
from p2pchat.core.sync.negentropy import initiate, reconcile, respond

NOW_MS = 1_800_000_000_000
CONVERSATION = ConversationId(b"c" * 32)
ENTRIES = 1000
BODY_BYTES = 200


class MemoryLog:
    """What `place` looks up, in dictionaries."""

    def __init__(self) -> None:
        self._entries: dict[EntryId, Stored] = {}
        self._numbers: dict[tuple[DeviceId, int], list[EntryId]] = {}

    def stored(self, id: EntryId) -> Stored | None:
        return self._entries.get(id)

    def numbered(self, device: DeviceId, seq: int) -> Sequence[EntryId]:
        return self._numbers.get((device, seq), ())

    def take(self, entry: Entry) -> None:
        header = entry.header
        assert isinstance(place(entry, self), Fits)
        self._entries[entry.id] = Stored(header.device, header.seq, header.lamport)
        self._numbers.setdefault((header.device, header.seq), []).append(entry.id)


def history(authors: int) -> list[Entry]:
    """`ENTRIES` entries of several authors in turn, each on top of the one before."""
    keys = [SigningKey(bytes([number + 1]) * 32) for number in range(authors)]
    chains: list[ChainHead | None] = [None] * authors
    entries: list[Entry] = []
    for number in range(ENTRIES):
        who = number % authors
        entry = author(
            keys[who],
            CONVERSATION,
            chain=chains[who],
            heads=tuple(entry.id for entry in entries[-1:]),
            lamport=entries[-1].header.lamport if entries else 0,
            sent_ms=NOW_MS + number,
            kind="text",
            body=random.randbytes(BODY_BYTES),
        )
        chains[who] = ChainHead(entry.header.seq, entry.id)
        entries.append(entry)
    return entries


def verify_each(entries: list[Entry]) -> None:
    for entry in entries:
        entry.verify()


def decode(frames: list[bytes]) -> list[Entry]:
    found: list[Entry] = []
    for raw in frames:
        frame = decode_frame(raw)
        assert isinstance(frame, Entries)
        found += frame.entries
    return found


def take(frames: list[bytes], *, each: bool) -> None:
    log, verifier = MemoryLog(), RunVerifier()
    entries = decode(frames)
    if each:
        verify_each(entries)
    else:
        entries = verifier.add(entries)
    for entry in entries:
        log.take(entry)


def storage(items: list[Position]) -> BucketStorage:
    pieces = [items[start : start + MAX_BUCKET] for start in range(0, len(items), MAX_BUCKET)]
    firsts = [EMPTY.first, *(piece[0] for piece in pieces[1:])]

    def load(first: Position, end: Position | None) -> list[Position]:
        return items[bisect_left(items, first) : len(items) if end is None else bisect_left(items, end)]

    return BucketStorage(list(map(Bucket.of, firsts, pieces)), load)


def compare(raw: Callable[[], None], ours: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Median seconds of each, from alternating rounds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, taken in zip((raw, ours), times, strict=True):
            begin = time.perf_counter()
            run()
            taken.append(time.perf_counter() - begin)
    return statistics.median(times[0]), statistics.median(times[1])


def reconcile_sets(total: int, lost: int) -> None:
    """Print what it costs to find `lost` entries among `total`."""
    dice = random.Random(1)
    items = [(NOW_MS + number, EntryId(dice.randbytes(32))) for number in range(total)]
    gone = set(dice.sample(range(total), lost))
    ours, theirs = storage([item for n, item in enumerate(items) if n not in gone]), storage(items)
    begin = time.perf_counter()
    message: bytes | None = initiate(ours)
    trips = size = found = 0
    while message is not None:
        answer = respond(theirs, message)
        progress = reconcile(ours, answer)
        trips, size, found = trips + 1, size + len(message) + len(answer), found + len(progress.need)
        message = progress.message
    assert found == lost
    taken = time.perf_counter() - begin
    print(
        f"{lost} of {total:,} found: {trips} round trips, {size / 1000:.1f} kB, {taken * 1000:.0f} ms of both"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"{'entries of':14} {'checked':>9} {'raw µs':>8} {'ours µs':>8} {'ours/s':>8} {'of raw':>7}")
    for authors in (1, 10, 100):
        entries = history(authors)
        frames = list(pack_entries(entry.encode() for entry in entries))
        for name, each in (("in runs", False), ("each", True)):
            raw, ours = compare(partial(verify_each, entries), partial(take, frames, each=each), rounds)
            raw, ours = raw / ENTRIES, ours / ENTRIES
            label = f"{authors} author{'s' if authors > 1 else ''}"
            print(
                f"{label:14} {name:>9} {raw * 1e6:8.1f} {ours * 1e6:8.1f} {1 / ours:8.0f} {raw / ours:7.0%}"
            )
    reconcile_sets(100_000, 10)
    reconcile_sets(1_000_000, 10)


if __name__ == "__main__":
    main()
