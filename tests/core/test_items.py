"""The items with which a lost log is asked back: read as written, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.codec import encode
from p2pchat.core.direct import items
from p2pchat.core.direct.items import LogWanted, decode_authors, encode_authors
from p2pchat.core.ids import ConversationId, DeviceId
from p2pchat.errors import DecodeError

CONVERSATION = ConversationId(b"c" * 32)
heights = st.lists(
    st.tuples(st.binary(min_size=32, max_size=32).map(DeviceId), st.integers(0, 2**40)),
    max_size=items.MAX_AUTHORS,
)


@given(heights)
def test_a_wish_is_read_as_it_was_written(pairs: list[tuple[DeviceId, int]]) -> None:
    wanted = LogWanted(CONVERSATION, tuple(pairs))
    assert LogWanted.decode(wanted.encode()) == wanted


@given(st.lists(st.binary(max_size=512), max_size=items.MAX_AUTHORS))
def test_certificates_are_read_as_they_were_written(certificates: list[bytes]) -> None:
    assert decode_authors(encode_authors(certificates)) == certificates


@pytest.mark.parametrize(
    "value",
    [
        [CONVERSATION],
        [b"short", []],
        [CONVERSATION, [[b"d" * 32, -1]]],
        [CONVERSATION, [[b"d" * 32, True]]],
        [CONVERSATION, [[b"d" * 32]]],
        [CONVERSATION, [[b"d" * 32, 1]] * (items.MAX_AUTHORS + 1)],
    ],
)
def test_a_malformed_wish_is_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        LogWanted.decode(encode(value))


@pytest.mark.parametrize("value", ["text", [1], [b"x" * 513], [b""] * (items.MAX_AUTHORS + 1)])
def test_malformed_certificates_are_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        decode_authors(encode(value))


@given(st.binary(max_size=200))
def test_noise_is_refused_with_a_decode_error(noise: bytes) -> None:
    for decode in (LogWanted.decode, decode_authors):
        try:
            decode(noise)
        except DecodeError:
            continue
        assert decode is decode_authors  # the only noise that means something: a list of byte strings
