"""Messages that are sealed together: each opens alone, bound to its group, author and burst."""

from __future__ import annotations

import pytest

from p2pchat.core.codec import encode
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.ratchet.bursts import KEY_SIZE, MAX_BURST, Burst, GroupBody, open_body, open_key
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.sender_keys import MAX_MESSAGES, InboundGroupSession, OutboundGroupSession
from p2pchat.errors import DecodeError, QuotaError

NOW_MS = 1_800_000_000_000
GROUP = GroupId(b"g" * 32)
AUTHOR = DeviceId(b"a" * 32)
VIEW = b"v" * 32
TEXTS = [b"%d" % number for number in range(10)]


@pytest.fixture
def outbound():
    return OutboundGroupSession.create(GROUP, AUTHOR, VIEW, NOW_MS)


def burst(session):
    return Burst(session, b"k" * KEY_SIZE)


def refusal(session, body):
    with pytest.raises(UndecryptableError) as refused:
        open_body(session, body)
    return refused.value.reason


def test_each_message_of_a_burst_opens_alone_and_in_any_order(outbound):
    reader = outbound.inbound()
    one = burst(outbound)
    bodies = [one.seal(text).encode() for text in TEXTS]
    for raw, text in reversed(list(zip(bodies, TEXTS, strict=True))):
        body = GroupBody.decode(raw)
        assert open_body(reader, body) == text
        assert body.encode() == raw


def test_a_message_alone_is_what_it_always_was(outbound):
    reader = outbound.inbound()
    body = burst(outbound).seal(b"alone")
    assert body.sealed_key is None
    assert body.encode() == encode([body.session_id, body.index, body.ciphertext])
    assert reader.open(body.ciphertext, b"", seen=lambda index: False).plaintext == b"alone"


def test_a_reader_opens_one_megolm_message_for_a_burst(outbound):
    reader, keys = outbound.inbound(), {}

    def remembered(session, sealed_key):
        if sealed_key not in keys:
            keys[sealed_key] = open_key(session, sealed_key)
        return keys[sealed_key]

    one = burst(outbound)
    assert [open_body(reader, one.seal(text), remembered) for text in TEXTS] == TEXTS
    assert len(keys) == 1
    assert outbound.count == 2


def test_who_gets_the_key_later_opens_nothing_of_a_burst_before(outbound):
    one = burst(outbound)
    before = [one.seal(text) for text in TEXTS]
    newcomer = InboundGroupSession.from_sender_key(outbound.sender_key())
    assert {refusal(newcomer, body) for body in before} == {Reason.KEY_GONE}
    assert open_body(newcomer, burst(outbound).seal(b"for him too")) == b"for him too"


def test_a_burst_belongs_to_its_session_and_ends(outbound):
    one = burst(outbound)
    assert not one.goes_on(OutboundGroupSession.create(GROUP, AUTHOR, VIEW, NOW_MS))
    for _ in range(MAX_BURST):
        assert one.goes_on(outbound)
        one.seal(b"text")
    assert not one.goes_on(outbound)


def test_a_session_is_changed_after_so_many_messages_not_keys(outbound):
    said, one = 0, burst(outbound)
    while not outbound.should_rotate(VIEW, NOW_MS):
        if not one.goes_on(outbound):  # a restart in between changes nothing
            outbound = OutboundGroupSession.from_bytes(outbound.to_bytes(VIEW), VIEW)
            one = burst(outbound)
        one.seal(b"text")
        said += 1
    assert MAX_MESSAGES - 2 * MAX_MESSAGES // MAX_BURST < said <= MAX_MESSAGES
    assert outbound.count < 2 * said // MAX_BURST + 2


@pytest.mark.parametrize("part", ["ciphertext", "sealed_key"])
def test_every_changed_byte_is_noticed(outbound, part):
    reader = outbound.inbound()
    one = burst(outbound)
    body = [one.seal(text) for text in TEXTS][-1]
    raw = getattr(body, part)
    for at in range(len(raw)):
        spoilt = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        parts = {"ciphertext": body.ciphertext, "sealed_key": body.sealed_key} | {part: spoilt}
        with pytest.raises((UndecryptableError, DecodeError)):
            open_body(reader, GroupBody(body.session_id, body.index, **parts))


def test_a_burst_is_bound_to_group_and_author(outbound):
    one = burst(outbound)
    inbound = outbound.inbound()
    bodies = [one.seal(text) for text in TEXTS]
    for group, author in ((GroupId(b"h" * 32), AUTHOR), (GROUP, DeviceId(b"b" * 32))):
        key = inbound.sender_key(0)
        foreign = InboundGroupSession.from_sender_key(
            type(key)(group, author, key.session_id, 0, key.exported)
        )
        assert refusal(foreign, bodies[-1]) is Reason.FORGED
        assert open_key(inbound, bodies[-1].sealed_key) == b"k" * KEY_SIZE
        with pytest.raises(UndecryptableError):  # nor with a key that is known otherwise
            open_body(foreign, bodies[-1], lambda session, sealed: b"k" * KEY_SIZE)


def test_a_key_is_no_message_and_a_message_no_key(outbound):
    reader = outbound.inbound()
    one = burst(outbound)
    alone, shared = one.seal(b"m" * KEY_SIZE), one.seal(b"text")
    assert refusal(reader, GroupBody(shared.session_id, shared.index, shared.sealed_key)) is Reason.FORGED
    mixed = GroupBody(shared.session_id, alone.index, shared.ciphertext, alone.ciphertext)
    assert refusal(reader, mixed) is Reason.FORGED


def test_a_burst_key_has_its_length(outbound):
    reader = outbound.inbound()
    sealed = outbound.seal(b"short", b"burst key").ciphertext
    with pytest.raises(UndecryptableError):
        open_key(reader, sealed)


def test_a_body_is_strict(outbound):
    one = burst(outbound)
    body = [one.seal(text) for text in TEXTS][-1]
    good = [body.session_id, body.index, body.ciphertext, body.sealed_key]
    for wrong in (
        good[:2],
        [*good, b""],
        [*good[:3], b"k" * 513],
        [*good[:3], None],
        [good[0][:31], *good[1:]],
        [good[0], -1, *good[2:]],
        [good[0], 2**32, *good[2:]],
        {0: good},
    ):
        with pytest.raises(DecodeError):
            GroupBody.decode(encode(wrong))


def test_a_message_that_is_too_long_uses_up_nothing(outbound):
    one = burst(outbound)
    one.seal(b"text")
    one.seal(b"text")
    with pytest.raises(QuotaError):
        one.seal(bytes(64 * 1024 + 1))
    assert (outbound.count, outbound.sealed) == (2, 3)
