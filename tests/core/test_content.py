"""What messages say, and the items and frames that carry them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import content
from p2pchat.core.codec import encode
from p2pchat.core.content import decode_content, encode_content
from p2pchat.core.direct import frames, items
from p2pchat.core.ids import ConversationId, EntryId, GroupId, PersonId
from p2pchat.core.mentions import Mention
from p2pchat.errors import DecodeError, ProtocolError, UsageError

SALT = b"s" * content.SALT_SIZE
ids = st.binary(min_size=32, max_size=32).map(EntryId)
words = st.text(min_size=1, max_size=200)
mentions = st.lists(
    st.builds(Mention, st.binary(min_size=32, max_size=32).map(PersonId), st.text(max_size=16)), max_size=3
).map(tuple)
contents = (
    st.builds(
        content.Text,
        words,
        st.none() | ids,
        st.none() | st.integers(1, content.MAX_TIMER_S),
        mentions,
        st.booleans(),
        st.booleans(),
    )
    | st.builds(content.Edit, ids, words, mentions)
    | st.builds(content.Delete, ids, st.lists(ids, max_size=3).map(tuple))
    | st.builds(content.Reaction, ids, st.sampled_from(["👍🏽", "❤️", "👨‍👩‍👧‍👦", ""]))
    | st.builds(content.Pin, ids, st.booleans())
    | st.builds(content.Timer, st.integers(0, content.MAX_TIMER_S))
    | st.builds(
        content.LedgerNote,
        st.binary(max_size=600),
        st.binary(min_size=64, max_size=64),
        st.just(["iso", "EUR", 2, None]),
        st.text(max_size=100),
        st.binary(max_size=16),
    )
)


@given(contents)
def test_a_content_comes_back_as_it_was(said: content.Sayable) -> None:
    assert decode_content(encode_content(said, SALT)) == said


@given(contents)
def test_the_salt_makes_equal_contents_differ(said: content.Sayable) -> None:
    assert encode_content(said, SALT) != encode_content(said, b"t" * content.SALT_SIZE)


def test_types_and_fields_of_a_newer_version_are_let_be() -> None:
    assert decode_content(encode({"t": "hologram", "s": SALT, "x": 1})) == content.Unknown("hologram")
    newer = encode({"t": "text", "s": SALT, "text": "hi", "colour": "red"})
    assert decode_content(newer) == content.Text("hi")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"t": "text", "text": "no salt"},
        {"t": "text", "s": SALT},
        {"t": "text", "s": SALT, "text": ""},
        {"t": "text", "s": SALT, "text": "x" * (content.MAX_TEXT + 1)},
        {"t": "text", "s": SALT, "text": "hi", "reply": b"short"},
        {"t": "text", "s": SALT, "text": "hi", "expires": 0},
        {"t": "text", "s": SALT, "text": "hi", "once": 1},
        {"t": "text", "s": SALT, "text": "hi", "urgent": "yes"},
        {"t": "text", "s": SALT, "text": "hi", "mentions": [b"x" * 32]},
        {"t": "text", "s": SALT, "text": "hi", "mentions": [[b"short", "ben"]]},
        {"t": "text", "s": SALT, "text": "hi", "mentions": [[b"x" * 32, "n" * 65]]},
        {"t": "edit", "s": SALT, "target": b"x" * 32, "text": "hi", "mentions": [[b"x" * 32, ""]] * 33},
        {"t": "edit", "s": SALT, "text": "hi"},
        {"t": "reaction", "s": SALT, "target": b"x" * 32, "emoji": "two words"},
        {"t": "reaction", "s": SALT, "target": b"x" * 32, "emoji": "\u202e"},
        {"t": "pin", "s": SALT, "target": b"x" * 32, "pinned": 1},
        {"t": "timer", "s": SALT, "seconds": -1},
        {"t": 7, "s": SALT},
        ["text"],
    ],
)
def test_malformed_contents_are_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        decode_content(encode(value))


@given(st.binary(max_size=300))
def test_random_bytes_raise_only_declared_errors(data: bytes) -> None:
    readers = (
        decode_content,
        items.decode_items,
        items.ContactRequest.decode,
        items.GroupInvite.decode,
        items.KeysWanted.decode,
        items.ReadMark.decode,
        frames.decode_frame,
        frames.Hello.decode_question,
        frames.Hello.decode_answer,
    )
    for read in readers:
        with suppress(ProtocolError):
            read(data)


@pytest.mark.parametrize(("text", "reason"), [("", "no text"), (" \n", "no text"), ("\ud800", "Unicode")])
def test_texts_that_cannot_be_sent_are_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        content.checked_text(text)


def test_a_text_has_a_largest_size() -> None:
    assert content.checked_text("x" * content.MAX_TEXT)
    with pytest.raises(UsageError, match="at most"):
        content.checked_text("ä" * content.MAX_TEXT)


@given(st.lists(st.builds(items.Item, st.sampled_from(["entry", "card", "newer"]), st.binary(max_size=50))))
def test_items_come_back_in_order(batch: list[items.Item]) -> None:
    assert items.decode_items(items.encode_items(batch)) == batch


def test_an_envelope_is_bounded() -> None:
    with pytest.raises(DecodeError):
        items.decode_items(items.encode_items([items.Item("x", b"")] * (items.MAX_ITEMS + 1)))
    with pytest.raises(DecodeError):
        items.decode_items(items.encode_items([items.Item("x", b"y" * 60_000)] * 3))


def test_item_payloads_come_back_as_they_were() -> None:
    entry, group = EntryId(b"e" * 32), GroupId(b"g" * 32)
    for payload in (
        items.ContactRequest(b"card", b"s" * 16, "hello"),
        items.ReadMark(ConversationId(b"c" * 32), entry),
        items.GroupInvite(group, "trip", b"s" * 32, b"genesis"),
        items.KeysWanted(group, (b"1" * 32, b"2" * 32)),
    ):
        assert type(payload).decode(payload.encode()) == payload


envelope_ids = st.binary(min_size=32, max_size=32).map(frames.EnvelopeId)


@given(
    st.builds(frames.Sealed, st.binary(min_size=1, max_size=500))
    | st.builds(frames.Ack, st.lists(envelope_ids, max_size=5).map(tuple))
    | st.builds(frames.Nak, envelope_ids, st.sampled_from(frames.NakReason))
    | st.just(frames.Ping())
    | st.just(frames.Pong())
)
def test_a_frame_comes_back_as_it_was(frame: frames.Frame) -> None:
    assert frames.decode_frame(frames.encode_frame(frame)) == frame


@pytest.mark.parametrize(
    "value",
    [[], ["env"], ["env", b""], ["ack", [b"short"]], ["nak", b"x" * 32, "because"], ["ping", 1], ["zap"], 7],
)
def test_malformed_frames_are_refused(value: object) -> None:
    with pytest.raises(DecodeError):
        frames.decode_frame(encode(value))
