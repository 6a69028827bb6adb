"""Thieves of a store and replayers of captured envelopes. `copy()` of a device is a theft of its store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pchat.core.ids import ConversationId
from p2pchat.core.ratchet.account import ROTATION_MS
from p2pchat.core.ratchet.envelope import Envelope, Start
from p2pchat.core.ratchet.errors import Reason, ReplayError, UndecryptableError
from p2pchat.core.ratchet.kem import KemKeyPair
from p2pchat.core.ratchet.outer import EPOCH_ENVELOPES
from p2pchat.core.ratchet.peer import MAX_SESSIONS, PeerSessions
from p2pchat.errors import DecodeError


def refused(device, peer, envelope):
    """Why `device` refuses the envelope; its stored state must be as before."""
    device.to(peer)
    before = device.state()
    with pytest.raises(UndecryptableError) as error:
        device.open(peer, envelope)
    assert device.state() == before
    return error.value.reason


def ping_pong(alice, bob, turns):
    """Alternating envelopes, all opened; gives what was captured on the way: (receiver, envelope)."""
    captured = []
    for _ in range(turns):
        for sender, receiver in ((alice, bob), (bob, alice)):
            envelope = sender.seal(receiver, b"secret")
            assert receiver.open(sender, envelope) == b"secret"
            captured.append((receiver, envelope))
    return captured


def test_forward_secrecy_a_later_theft_does_not_open_captured_envelopes(alice, bob):
    alice.start(bob)
    captured = ping_pong(alice, bob, 2 * EPOCH_ENVELOPES)
    thieves = {"alice": alice.copy(), "bob": bob.copy()}
    for receiver, envelope in captured:
        peer = bob if receiver is alice else alice
        with pytest.raises(UndecryptableError):
            thieves[receiver.name].open(peer, envelope)


def test_forward_secrecy_of_a_start_begins_when_its_prekey_is_deleted(alice, bob):
    def stolen_opens(start):
        thief = bob.copy()
        thief.sessions.clear()
        for period in thief.account._periods:
            period.starts.clear()  # a thief does not mind replays,
        thief.account._one_time_keys._held[alice.endpoint.device] = (bundle.one_time_key, 0)  # nor our books
        try:
            return thief.open(alice, start) == b"first"
        except UndecryptableError:
            return False

    bundle = bob.bundle(alice)
    alice.start(bob, bundle)
    on_one_time_key = alice.seal(bob, b"first")
    assert stolen_opens(on_one_time_key)
    bob.open(alice, on_one_time_key)
    assert not stolen_opens(on_one_time_key)

    alice.start(bob, bob.bundle())
    on_fallback_key = alice.seal(bob, b"first")
    bob.open(alice, on_fallback_key)
    assert stolen_opens(on_fallback_key)  # the price of a fallback key: until it has been rotated twice
    assert bob.account.maintain(bob.now_ms + ROTATION_MS)
    assert stolen_opens(on_fallback_key)
    assert bob.account.maintain(bob.now_ms + 2 * ROTATION_MS)
    assert not stolen_opens(on_fallback_key)


def test_post_compromise_one_round_trip_after_a_theft_shuts_the_thief_out(talking):
    alice, bob = talking
    thief = bob.copy()
    still_open = alice.seal(bob, b"1")
    assert thief.open(alice, still_open) == b"1"
    bob.open(alice, still_open)
    alice.open(bob, bob.seal(alice, b"2"))  # Bob's answer brings a key that the thief never saw
    closed = alice.seal(bob, b"3")
    assert refused(thief, alice, closed) is Reason.KEY_GONE
    assert bob.open(alice, closed) == b"3"


@pytest.mark.parametrize("victim_name", ["alice", "bob"])
def test_post_compromise_the_outer_key_heals_too(talking, victim_name):
    alice, bob = talking
    thief = (alice if victim_name == "alice" else bob).copy()
    epoch = Envelope.decode(alice.seal(bob, b"")).header.epoch
    ping_pong(alice, bob, EPOCH_ENVELOPES)
    victim, peer = (alice, bob) if victim_name == "alice" else (bob, alice)
    header = Envelope.decode(peer.seal(victim, b"later")).header
    assert header.epoch > epoch
    (session,) = thief.to(peer)._sessions
    with pytest.raises(UndecryptableError):
        session._outer.receiving(header.epoch, header.kem)


def test_reflection_an_envelope_shown_to_its_author_is_refused(alice, bob):
    alice.start(bob)
    start = alice.seal(bob, b"x")
    assert refused(alice, bob, start) is Reason.FORGED
    bob.open(alice, start)
    alice.open(bob, bob.seal(alice, b"y"))
    for sender, receiver in ((alice, bob), (bob, alice)):
        assert refused(sender, receiver, sender.seal(receiver, b"z")) is Reason.FORGED


def test_cross_conversation_replay_is_refused(alice, bob):
    alice.start(bob)
    start = alice.seal(bob, b"for this conversation")
    other = PeerSessions(bob.parties(alice, ConversationId(b"d" * 32)))
    with pytest.raises(UndecryptableError) as error:
        other.open(bob.account, start)
    assert error.value.reason is Reason.FORGED
    bob.open(alice, start)
    alice.open(bob, bob.seal(alice, b""))
    with pytest.raises(UndecryptableError) as error:
        other.open(bob.account, alice.seal(bob, b"x"))
    assert error.value.reason is Reason.UNKNOWN_SESSION


def test_an_envelope_shown_to_another_device_is_refused(talking, device):
    alice, bob = talking
    carol = device("carol")
    assert refused(carol, alice, alice.seal(bob, b"x")) is Reason.UNKNOWN_SESSION
    alice.start(bob)
    assert refused(carol, alice, alice.seal(bob, b"x")) is Reason.UNKNOWN_PREKEY


def test_an_envelope_shown_as_from_another_device_is_refused(alice, bob, device):
    alice.start(bob)
    assert refused(bob, device("carol"), alice.seal(bob, b"x")) is Reason.FORGED


def test_a_start_by_a_device_with_an_uncertified_identity_key_is_refused(alice, bob, device):
    reinstalled = device("alice")  # the same person and device key, another Olm account
    reinstalled.start(bob)
    assert refused(bob, alice, reinstalled.seal(bob, b"x")) is Reason.FORGED


def test_an_envelope_opens_once(talking):
    alice, bob = talking
    envelope = alice.seal(bob, b"once")
    bob.open(alice, envelope)
    assert refused(bob, alice, envelope) is Reason.KEY_GONE


def test_a_start_on_a_one_time_key_opens_once(alice, bob):
    alice.start(bob)
    start = alice.seal(bob, b"x")
    bob.open(alice, start)
    assert refused(bob, alice, start) is Reason.KEY_GONE
    bob.sessions.clear()
    assert refused(bob, alice, start) is Reason.UNKNOWN_PREKEY


def test_a_replayed_fallback_prekey_is_refused_until_the_key_is_deleted(alice, bob):
    alice.start(bob, bob.bundle())
    start = alice.seal(bob, b"x")
    bob.open(alice, start)
    bob.sessions.clear()
    for rotations in range(2):
        bob = bob.copy()  # remembered over a restart
        with pytest.raises(ReplayError):
            bob.open(alice, start)
        assert bob.account.maintain(bob.now_ms + (rotations + 1) * ROTATION_MS)
    assert refused(bob, alice, start) is Reason.UNKNOWN_PREKEY


def test_a_late_second_start_of_a_dropped_session_is_answered_with_a_nak_and_sealed_anew(alice, bob):
    alice.start(bob, bob.bundle())
    first, second = alice.seal(bob, b"1"), alice.seal(bob, b"2")
    bob.open(alice, first)
    for _ in range(MAX_SESSIONS):
        alice.start(bob)
        bob.open(alice, alice.seal(bob, b"x"))
    assert refused(bob, alice, second) is Reason.REPLAYED
    alice.start(bob)
    assert bob.open(alice, alice.seal(bob, b"2")) == b"2"


def test_two_senders_with_one_one_time_key_the_second_retries_with_the_fallback_key(alice, bob, device):
    carol = device("carol")
    bundle = bob.bundle(alice)
    alice.start(bob, bundle)
    carol.start(bob, bundle)
    assert bob.open(alice, alice.seal(bob, b"from alice")) == b"from alice"
    assert refused(bob, carol, carol.seal(bob, b"from carol")) is Reason.UNKNOWN_PREKEY
    carol.start(bob, bundle, fallback_only=True)
    assert bob.open(carol, carol.seal(bob, b"from carol")) == b"from carol"


def test_every_changed_byte_of_an_envelope_is_noticed(alice, bob):
    alice.start(bob)
    start = alice.seal(bob, b"x")
    bob.open(alice, start)
    alice.open(bob, bob.seal(alice, b""))
    message = alice.seal(bob, b"y")
    for envelope in (start, message):
        for at in range(len(envelope)):
            changed = envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]
            with pytest.raises((UndecryptableError, DecodeError)):
                bob.open(alice, changed)
    assert bob.open(alice, message) == b"y"


def test_an_offered_outer_key_cannot_be_exchanged_for_another(talking):
    alice, bob = talking
    while (envelope := Envelope.decode(alice.seal(bob, b"x"))).header.kem is None:
        ping_pong(alice, bob, 1)
    exchanged = replace(envelope.header, kem=KemKeyPair.generate().public)
    assert refused(bob, alice, Envelope(exchanged, envelope.sealed).encode()) is Reason.FORGED
    assert (
        refused(bob, alice, Envelope(replace(exchanged, kem=None), envelope.sealed).encode()) is Reason.FORGED
    )
    assert bob.open(alice, envelope.encode()) == b"x"


def test_a_changed_start_leaves_the_prekeys_for_the_true_one(alice, bob):
    alice.start(bob)
    start = alice.seal(bob, b"x")
    header = Envelope.decode(start).header
    assert isinstance(header, Start)
    for changed in (
        Envelope(Start(header.generation + 1, header.kem_key_id, header.kem_ciphertext), b"\0" * 300),
        Envelope(header, Envelope.decode(start).sealed[:-1]),
    ):
        assert refused(bob, alice, changed.encode()) is Reason.FORGED
    assert bob.open(alice, start) == b"x"
