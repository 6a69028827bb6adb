"""Sealing and opening between two devices: order, loss, restarts, simultaneous starts, bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.core.ratchet.envelope import MAX_ENVELOPE_BYTES, MAX_PLAINTEXT_BYTES, Envelope, Message, Start
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.outer import EPOCH_ENVELOPES
from p2pchat.core.ratchet.peer import MAX_SESSIONS, PeerSessions
from p2pchat.errors import ProtocolError, QuotaError, StoreError, UsageError


def header(envelope):
    return Envelope.decode(envelope).header


def test_a_first_message_reaches_a_device_that_was_away(alice, bob):
    alice.start(bob)
    envelopes = [alice.seal(bob, text) for text in (b"one", b"two", b"")]
    assert [bob.open(alice, envelope) for envelope in envelopes] == [b"one", b"two", b""]


def test_starts_are_repeated_until_the_first_answer(alice, bob):
    alice.start(bob)
    first, second = alice.seal(bob, b"1"), alice.seal(bob, b"2")
    assert isinstance(header(first), Start)
    assert bob.open(alice, second) == b"2"
    alice.open(bob, bob.seal(alice, b"hi"))
    assert isinstance(header(alice.seal(bob, b"3")), Message)
    assert bob.open(alice, first) == b"1"


def test_both_sides_go_on_after_a_restart_at_every_step(alice, bob):
    alice.start(bob)
    for turn in range(3 * EPOCH_ENVELOPES):
        alice, bob = alice.copy(), bob.copy()
        envelope = alice.seal(bob, b"%d" % turn)
        alice = alice.copy()
        assert bob.open(alice, envelope) == b"%d" % turn
        bob = bob.copy()
        assert alice.open(bob, bob.seal(alice, b"ack")) == b"ack"


def test_a_live_object_may_be_stored_after_every_step_and_used_on(talking):
    alice, bob = talking
    for turn in range(4):
        for sender, receiver in ((alice, bob), (bob, alice)):
            sender.copy()
            envelope = sender.seal(receiver, b"%d" % turn)
            after_a_crash = sender.copy().seal(receiver, b"next")
            receiver.copy()
            assert receiver.open(sender, envelope) == b"%d" % turn
            assert receiver.copy().open(sender, after_a_crash) == b"next"


def test_nothing_can_be_sealed_before_a_start(alice, bob):
    assert alice.to(bob).needs_bundle
    with pytest.raises(UsageError):
        alice.seal(bob, b"too early")


def test_the_largest_plaintext_fits_and_one_byte_more_is_refused(talking):
    alice, bob = talking
    largest = bytes(MAX_PLAINTEXT_BYTES)
    envelope = alice.seal(bob, largest)
    assert len(envelope) <= MAX_ENVELOPE_BYTES
    assert bob.open(alice, envelope) == largest
    with pytest.raises(QuotaError):
        alice.seal(bob, largest + b"x")


def test_the_largest_first_envelope_fits(alice, bob):
    alice.start(bob)
    largest = bytes(MAX_PLAINTEXT_BYTES)
    envelope = alice.seal(bob, largest)
    assert len(envelope) <= MAX_ENVELOPE_BYTES
    assert bob.open(alice, envelope) == largest


@pytest.mark.parametrize("alice_hears_first", [True, False])
def test_simultaneous_starts_converge_on_one_session(alice, bob, alice_hears_first):
    alice.start(bob)
    bob.start(alice)
    from_alice, from_bob = alice.seal(bob, b"a"), bob.seal(alice, b"b")
    if alice_hears_first:
        assert alice.open(bob, from_bob) == b"b"
        late = alice.seal(bob, b"a2")
        assert bob.open(alice, late) == b"a2"
        assert bob.open(alice, from_alice) == b"a"
    else:
        assert bob.open(alice, from_alice) == b"a"
        assert alice.open(bob, from_bob) == b"b"
    for _ in range(2):
        assert bob.open(alice, alice.seal(bob, b"x")) == b"x"
        assert alice.open(bob, bob.seal(alice, b"y")) == b"y"
    assert header(alice.seal(bob, b"")).session_id == header(bob.seal(alice, b"")).session_id


def test_a_fresh_start_after_a_nak_is_preferred_by_both(talking):
    alice, bob = talking
    old = header(alice.seal(bob, b"lost")).session_id
    alice.start(bob)
    assert bob.open(alice, alice.seal(bob, b"again")) == b"again"
    answer = bob.seal(alice, b"ok")
    assert header(answer).session_id != old
    assert alice.open(bob, answer) == b"ok"


def test_the_number_of_sessions_is_bounded_and_the_preferred_one_survives(talking):
    alice, bob = talking
    oldest = alice.seal(bob, b"late")
    for round_ in range(MAX_SESSIONS):
        alice.start(bob)
        assert bob.open(alice, alice.seal(bob, b"%d" % round_)) == b"%d" % round_
    with pytest.raises(UndecryptableError) as refused:
        bob.open(alice, oldest)
    assert refused.value.reason is Reason.UNKNOWN_SESSION
    assert alice.open(bob, bob.seal(alice, b"still")) == b"still"


def test_the_longest_unused_session_is_dropped_first(alice, bob):
    late = []
    for _ in range(MAX_SESSIONS):
        alice.start(bob)
        late.append([alice.seal(bob, b"late"), alice.seal(bob, b"later")])
        bob.open(alice, alice.seal(bob, b"x"))
    assert bob.open(alice, late[0][0]) == b"late"  # used again
    alice.start(bob)
    bob.open(alice, alice.seal(bob, b"x"))
    assert bob.open(alice, late[0][1]) == b"later"
    with pytest.raises(UndecryptableError):
        bob.open(alice, late[1][0])


def test_the_preferred_session_is_kept_however_long_it_is_unused(talking):
    alice, bob = talking
    for _ in range(2 * MAX_SESSIONS):
        alice.start(bob)
        bob.open(alice, alice.seal(bob, b"x"))
    preferred = header(bob.seal(alice, b"")).session_id
    alice.sessions.clear()
    for _ in range(MAX_SESSIONS):  # of lower generations than Bob's
        alice.start(bob)
        assert bob.open(alice, alice.seal(bob, b"x")) == b"x"
    assert header(bob.seal(alice, b"")).session_id == preferred


def test_a_peer_that_lost_its_sessions_can_start_again(talking):
    alice, bob = talking
    for _ in range(MAX_SESSIONS):  # Bob's sessions are now of higher generations than Alice's next
        alice.start(bob)
        bob.open(alice, alice.seal(bob, b"x"))
    alice.sessions.clear()
    alice.start(bob)
    envelopes = [alice.seal(bob, b"1"), alice.seal(bob, b"2")]
    assert [bob.open(alice, envelope) for envelope in envelopes] == [b"1", b"2"]
    with pytest.raises(UndecryptableError):  # Alice answers with a nak, Bob starts anew:
        alice.open(bob, bob.seal(alice, b"lost"))
    bob.start(alice)
    assert alice.open(bob, bob.seal(alice, b"again")) == b"again"
    assert bob.open(alice, alice.seal(bob, b"ok")) == b"ok"


def test_a_bundle_of_another_device_or_identity_key_is_refused(alice, bob, device):
    eve = device("eve")
    with pytest.raises(ProtocolError):
        alice.start(bob, eve.bundle())
    uncertified = device("bob")  # Bob's signing key, an Olm key that his card does not certify
    with pytest.raises(ProtocolError):
        alice.start(bob, uncertified.bundle())
    assert alice.to(bob).needs_bundle


def test_an_expired_bundle_or_one_that_the_device_did_not_sign_starts_nothing(alice, bob, device):
    bundle = bob.bundle()
    forged = replace(bundle, kem_public=device("eve").bundle().kem_public)
    with pytest.raises(ProtocolError):
        alice.start(bob, forged)
    alice.now_ms = bundle.expires_ms
    with pytest.raises(ProtocolError):
        alice.start(bob, bundle)
    assert alice.to(bob).needs_bundle


def test_sessions_open_only_under_their_own_key_and_parties(talking, device):
    alice, bob = talking
    stored = alice.to(bob).to_bytes(bytes(32))
    with pytest.raises(StoreError):
        PeerSessions.from_bytes(alice.parties(bob), stored, b"\1" * 32)
    with pytest.raises(StoreError):
        PeerSessions.from_bytes(alice.parties(device("carol")), stored, bytes(32))


def test_only_the_beginning_of_a_session_needs_the_account(alice, bob):
    alice.start(bob)
    first, second = alice.seal(bob, b"1"), alice.seal(bob, b"2")
    assert bob.to(alice).begins(first)
    bob.open(alice, first)
    assert not bob.to(alice).begins(second)
    assert bob.to(alice).open(None, second).plaintext == b"2"
