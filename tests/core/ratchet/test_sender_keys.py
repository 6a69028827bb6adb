"""Sender keys: sharing, history, rotation, binding, replay."""

from __future__ import annotations

import pytest

from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.ratchet.errors import Reason, ReplayError, UndecryptableError
from p2pchat.core.ratchet.megolm import SenderKey
from p2pchat.core.ratchet.sender_keys import (
    MAX_AGE_MS,
    MAX_MESSAGES,
    InboundGroupSession,
    OutboundGroupSession,
)
from p2pchat.errors import DecodeError, NotAllowedError, QuotaError, StoreError

NOW_MS = 1_800_000_000_000
KEY = bytes(32)
GROUP = GroupId(b"g" * 32)
AUTHOR = DeviceId(b"a" * 32)
VIEW = b"v" * 32


def never(index):
    return False


@pytest.fixture
def outbound():
    return OutboundGroupSession.create(GROUP, AUTHOR, VIEW, NOW_MS)


def member(sender_key):
    return InboundGroupSession.from_sender_key(SenderKey.decode(sender_key.encode()))


def test_members_read_in_any_order(outbound):
    reader = member(outbound.sender_key())
    sealed = [outbound.seal(b"%d" % index, b"ad") for index in range(20)]
    for one in reversed(sealed):
        opened = reader.open(one.ciphertext, b"ad", seen=never)
        assert opened.plaintext == b"%d" % one.index == b"%d" % opened.index
        assert one.session_id == reader.session_id


def test_a_newcomer_does_not_read_what_came_before(outbound):
    before = outbound.seal(b"before", b"")
    newcomer = member(outbound.sender_key())
    assert newcomer.open(outbound.seal(b"after", b"").ciphertext, b"", seen=never).plaintext == b"after"
    with pytest.raises(UndecryptableError) as refused:
        newcomer.open(before.ciphertext, b"", seen=never)
    assert refused.value.reason is Reason.KEY_GONE
    with pytest.raises(NotAllowedError):
        newcomer.sender_key(before.index)


def test_a_history_policy_shares_from_an_earlier_index(outbound):
    own = outbound.inbound()
    sealed = [outbound.seal(b"%d" % index, b"") for index in range(5)]
    newcomer = member(own.sender_key(2))
    assert newcomer.open(sealed[2].ciphertext, b"", seen=never).plaintext == b"2"
    assert newcomer.first_index == 2
    with pytest.raises(UndecryptableError):
        newcomer.open(sealed[1].ciphertext, b"", seen=never)


def test_a_message_seen_before_is_refused(outbound):
    reader = member(outbound.sender_key())
    sealed = outbound.seal(b"once", b"")
    seen = set()
    seen.add(reader.open(sealed.ciphertext, b"", seen=seen.__contains__).index)
    with pytest.raises(ReplayError):
        reader.open(sealed.ciphertext, b"", seen=seen.__contains__)


@pytest.mark.parametrize(
    ("group", "author", "associated"),
    [(GroupId(b"h" * 32), AUTHOR, b"ad"), (GROUP, DeviceId(b"b" * 32), b"ad"), (GROUP, AUTHOR, b"other")],
)
def test_a_message_is_bound_to_group_author_and_associated_data(outbound, group, author, associated):
    key = outbound.sender_key()
    moved = SenderKey(group, author, key.session_id, key.index, key.exported)
    with pytest.raises(UndecryptableError) as refused:
        member(moved).open(outbound.seal(b"x", b"ad").ciphertext, associated, seen=never)
    assert refused.value.reason is Reason.FORGED


def test_a_changed_message_is_refused(outbound):
    reader = member(outbound.sender_key())
    sealed = bytearray(outbound.seal(b"x", b"").ciphertext)
    sealed[-1] ^= 1
    with pytest.raises(UndecryptableError):
        reader.open(bytes(sealed), b"", seen=never)


def test_rotation_is_due_on_another_view_after_many_messages_or_days(outbound):
    assert not outbound.should_rotate(VIEW, NOW_MS)
    assert outbound.should_rotate(b"w" * 32, NOW_MS)
    assert not outbound.should_rotate(VIEW, NOW_MS + MAX_AGE_MS - 1)
    assert outbound.should_rotate(VIEW, NOW_MS + MAX_AGE_MS)
    for _ in range(MAX_MESSAGES):
        assert not outbound.should_rotate(VIEW, NOW_MS)
        outbound.seal(b"", b"")
    assert outbound.should_rotate(VIEW, NOW_MS)


def test_both_halves_go_on_after_a_restart(outbound):
    reader = member(outbound.sender_key())
    for index in range(5):
        outbound = OutboundGroupSession.from_bytes(outbound.to_bytes(KEY), KEY)
        reader = InboundGroupSession.from_bytes(reader.to_bytes(KEY), KEY)
        sealed = outbound.seal(b"x", b"")
        assert reader.open(sealed.ciphertext, b"", seen=never).index == index == sealed.index
    assert not outbound.should_rotate(VIEW, NOW_MS)
    with pytest.raises(StoreError):
        OutboundGroupSession.from_bytes(outbound.to_bytes(KEY), b"\1" * 32)
    with pytest.raises(StoreError):
        InboundGroupSession.from_bytes(outbound.to_bytes(KEY), KEY)


def test_an_earlier_key_of_the_same_session_replaces_a_later_one(outbound):
    early = member(outbound.sender_key())
    first = outbound.seal(b"first", b"")
    late = member(outbound.sender_key())
    for merged in (early.merged(late), late.merged(early)):
        assert merged.open(first.ciphertext, b"", seen=never).plaintext == b"first"


def test_a_forged_earlier_key_does_not_replace_a_good_one(outbound):
    outbound.seal(b"", b"")
    good = member(outbound.sender_key())
    key = outbound.sender_key()
    forged_ratchet = b"\1" + (0).to_bytes(4, "big") + bytes(128) + key.exported[-32:]
    forged = member(SenderKey(GROUP, AUTHOR, key.session_id, 0, forged_ratchet))
    with pytest.raises(UndecryptableError):
        good.merged(forged)


def test_a_sender_key_that_names_another_session_or_index_is_refused(outbound):
    key = outbound.sender_key()
    other = OutboundGroupSession.create(GROUP, AUTHOR, VIEW, NOW_MS).session_id
    for session_id, index in ((other, key.index), (key.session_id, key.index + 1)):
        with pytest.raises(DecodeError):
            member(SenderKey(GROUP, AUTHOR, session_id, index, key.exported))


def test_a_group_message_is_bounded(outbound):
    with pytest.raises(QuotaError):
        outbound.seal(bytes(64 * 1024 + 1), b"")


def test_a_sender_key_does_not_print_its_secret(outbound):
    key = outbound.sender_key()
    assert key.exported.hex() not in repr(key)
    assert repr(key.exported) not in repr(key)
