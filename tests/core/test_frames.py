"""Framing: whatever way the bytes are cut, the same frames come out, and no more is kept than one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.frames import LENGTH_SIZE, FrameDecoder, encode
from p2pchat.errors import ProtocolError, UsageError

LIMIT = 300
frames_ = st.lists(st.binary(max_size=LIMIT), max_size=20)


@given(frames_, st.data())
def test_decoding_gives_the_frames_back_however_the_bytes_are_cut(frames, data):
    stream = b"".join(encode(frames, limit=LIMIT))
    decoder = FrameDecoder(LIMIT)
    received = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += decoder.feed(stream[:size])
        stream = stream[size:]
        assert decoder.buffered <= LIMIT + LENGTH_SIZE
    assert received == frames
    assert decoder.buffered == 0


def test_byte_by_byte_is_the_same_as_at_once():
    frames = [bytes([n]) * n for n in range(200)]
    decoder = FrameDecoder(LIMIT)
    received = []
    for byte in b"".join(encode(frames, limit=LIMIT)):
        received += decoder.feed(bytes([byte]))
    assert received == frames


def test_a_long_announcement_is_refused_before_its_body_arrives():
    with pytest.raises(ProtocolError, match="100000000 bytes"):
        FrameDecoder(LIMIT).feed((100_000_000).to_bytes(4, "big"))


def test_a_frame_of_exactly_the_limit_passes():
    assert FrameDecoder(3).feed(b"".join(encode([b"abc"], limit=3))) == [b"abc"]


def test_encoding_a_frame_above_the_limit_is_a_usage_error():
    with pytest.raises(UsageError):
        list(encode([b"abcd"], limit=3))


def test_many_small_frames_are_gathered_into_few_writes():
    pieces = list(encode([b"x" * 200] * 1000, limit=LIMIT))
    assert len(pieces) == 4
    assert sum(map(len, pieces)) == 1000 * 204


@given(st.binary(max_size=400))
def test_arbitrary_bytes_give_frames_or_a_protocol_error_and_nothing_else(data):
    decoder = FrameDecoder(LIMIT)
    try:
        for frame in decoder.feed(data):
            assert len(frame) <= LIMIT
    except ProtocolError:
        pass
