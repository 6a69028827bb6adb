"""Frames: one encoding each, bounded, and strict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.codec import encode
from p2pchat.core.ids import DeviceId, EntryId
from p2pchat.core.sync.frames import (
    MAX_FRAME,
    Done,
    Entries,
    Have,
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
from p2pchat.errors import DecodeError

ANN, BOB = DeviceId(b"a" * 32), DeviceId(b"b" * 32)
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sync_frames.json").read_text())
FRAMES = {
    "state": State(3, b"f" * 16),
    "have": Have({ANN: 3, BOB: 1}),
    "have nothing": Have({}),
    "want": Want((Range(ANN, 1, 3), Range(BOB, 7, 7)), more=True),
    "want nothing": Want(()),
    "done": Done(),
    "settled": Settled(look_closer=True),
    "reconcile": Reconcile(b"\x61"),
    "want ids": WantIds((EntryId(b"e" * 32),), more=False),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_the_bytes_of_the_vector(name):
    assert encode_frame(FRAMES[name]).hex() == VECTORS[name]
    assert decode_frame(bytes.fromhex(VECTORS[name])) == FRAMES[name]


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"t": 1},
        [0],
        [11],
        [9, 0],
        [True, 1, bytes(16)],
        [1, -1, bytes(16)],
        [1, 1, bytes(15)],
        [2, ANN, []],
        [2, ANN, [0]],
        [2, ANN[:31], [1]],
        [2, BOB + ANN, [1, 1]],
        [2, ANN + ANN, [1, 1]],
        [3, ANN, [2, 1], False],
        [3, ANN, [0, 1], False],
        [3, ANN, [1], False],
        [3, ANN, [1, 2], 0],
        [4, [b"no entry"]],
        [5, None],
        [6, b""],
        [7, bytes(32) * 2, False],
        [8, 1],
    ],
)
def test_what_is_no_frame_is_refused(value):
    with pytest.raises(DecodeError):
        decode_frame(encode(value))


def test_a_frame_above_the_limit_is_refused():
    with pytest.raises(DecodeError, match="at most"):
        decode_frame(encode([6, bytes(MAX_FRAME)]))


@given(raw=st.binary(max_size=200))
def test_nothing_but_a_decode_error_leaves_the_decoder(raw):
    try:
        decode_frame(raw)
    except DecodeError:
        return


def test_entries_fill_frames_and_none_is_above_the_limit(member):
    ann = member("ann")
    raws = [ann.write("x" * size).encode() for size in (48_000, 100, 48_000, 1) * 12]
    frames = list(pack_entries(raws))
    assert max(map(len, frames)) <= MAX_FRAME
    assert len(frames) == -(-sum(map(len, raws)) // MAX_FRAME)
    unpacked = [decode_frame(frame) for frame in frames]
    assert all(isinstance(frame, Entries) for frame in unpacked)
    assert [entry.encode() for frame in unpacked for entry in frame.entries] == raws
    assert list(pack_entries([])) == []


def test_a_frame_may_be_full_to_the_last_byte(member):
    ann = member("ann")
    raws = [ann.write("x" * 40_000).encode() for _ in range(12)]
    left = MAX_FRAME - 16 - sum(len(raw) + 5 for raw in raws)
    overhead = len(ann.write("x" * (left - 1000)).encode()) - (left - 1000)
    raws.append(ann.write("x" * (left - 5 - overhead)).encode())
    assert len(list(pack_entries(raws))) == 1
    assert MAX_FRAME - 64 < len(next(pack_entries(raws))) <= MAX_FRAME


heights = st.dictionaries(st.integers(0, 20).map(lambda i: DeviceId(bytes([i]) * 32)), st.integers(1, 300))


@given(ours=heights, theirs=heights)
def test_what_is_missing_and_what_is_there_make_the_whole(ours, theirs):
    missing = missing_ranges(ours, theirs)
    for device, height in theirs.items():
        asked = [item for item in missing if item.device == device]
        if height <= ours.get(device, 0):
            assert asked == []
        else:
            assert asked == [Range(device, ours.get(device, 0) + 1, height)]
    assert {item.device for item in missing} <= theirs.keys()


@given(theirs=heights)
def test_a_split_gap_is_asked_for_once_and_the_newest_first(theirs):
    ranges = missing_ranges({}, theirs)
    newest, older = split_newest(ranges)
    numbers = [(r.device, n) for part in (newest, older) for r in part for n in range(r.first, r.last + 1)]
    assert sorted(numbers) == [
        (r.device, n) for r in sorted(ranges, key=lambda r: r.device) for n in range(r.first, r.last + 1)
    ]
    if newest:
        assert {(r.device, r.last) for r in newest} == set(theirs.items())
        assert sum(r.last - r.first + 1 for r in newest) <= NEWEST_FIRST
    else:
        assert sum(theirs.values()) <= 4 * NEWEST_FIRST
