"""20,000 random and mutated inputs into every decoder: only declared errors, in bounded memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from nacl.secret import Aead

from p2pchat.core.codec import MAX_BYTES
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.ratchet import kem
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.bundle import MAX_BUNDLE_BYTES, PrekeyBundle
from p2pchat.core.ratchet.envelope import (
    MAX_ENVELOPE_BYTES,
    Envelope,
    Message,
    SessionId,
    Start,
    associated_data,
)
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.megolm import MAX_SENDER_KEY_BYTES, SenderKey
from p2pchat.core.ratchet.olm import PrekeyMessage
from p2pchat.core.ratchet.peer import PeerSessions
from p2pchat.core.ratchet.sender_keys import InboundGroupSession, OutboundGroupSession
from p2pchat.errors import DecodeError, ProtocolError, StoreError
from p2pchat.testing import mutation

NOW_MS = 1_800_000_000_000
KEY = bytes(32)


def hammer(function, samples, errors, seed):
    """Feed mutations to `function`; all but a few unharmed ones must be refused with `errors`."""
    assert mutation.hammer(function, samples, errors, seed) > 0.95 * mutation.INPUTS


@pytest.fixture
def envelopes(talking):
    alice, bob = talking
    alice.start(bob)
    start = alice.seal(bob, b"start")
    bob.start(alice)
    return [
        start,
        alice.to(bob)._sessions[0].seal(b"message"),
        Envelope(Start(1, bytes(8), bytes(1088)), b"x").encode(),
    ]


def test_mutated_envelopes_raise_only_declared_errors_and_change_nothing(talking, envelopes):
    alice, bob = talking
    before = bob.state()
    hammer(lambda data: bob.open(alice, data), envelopes, ProtocolError, seed=1)
    assert bob.state() == before
    assert bob.open(alice, envelopes[0]) == b"start"
    assert bob.open(alice, envelopes[1]) == b"message"


def test_rubbish_that_the_peer_itself_seals_raises_only_declared_errors(talking):
    alice, bob = talking
    (session,) = alice.to(bob)._sessions
    _, _, key = session._outer.seal()
    genuine = session._ratchet.live().encrypt(b"without the context").to_parts()[1]
    offers = [None, b"\xff" * kem.PUBLIC_SIZE, bytes(kem.CIPHERTEXT_SIZE), kem.KemKeyPair.generate().public]

    def use(content):
        header = Message(session.session_id, 0, offers[len(content) % len(offers)])
        sealed = Aead(key).encrypt(content, associated_data(header, alice.parties(bob).outgoing))
        bob.open(alice, Envelope(header, bytes(sealed)).encode())

    for _ in range(2):  # Olm alone would open it once
        assert bob.open(alice, alice.seal(bob, b"fine")) == b"fine"
        with pytest.raises(UndecryptableError, match=Reason.FORGED):
            use(genuine)
    before = bob.state()
    hammer(use, [genuine], ProtocolError, seed=9)
    assert bob.state() == before
    assert bob.open(alice, alice.seal(bob, b"x")) == b"x"


def test_mutated_bundles_raise_only_declared_errors(alice, bob):
    def use(data):
        bundle = PrekeyBundle.decode(data)
        bundle.verify(NOW_MS)

    hammer(use, [bob.bundle(alice).encode(), bob.bundle().encode()], ProtocolError, seed=2)


def test_mutated_keys_in_a_signed_bundle_raise_only_declared_errors(alice, bob):
    generator = random.Random(3)
    for _ in range(200):
        bundle = bob.bundle(alice)
        kem_public = mutation.mutated(generator, [bundle.kem_public]).ljust(1184, b"\xff")[:1184]
        fields = bundle.__class__(
            bundle.person, bundle.device, bundle.identity_key, generator.randbytes(32), None,
            kem_public, bundle.created_ms, bundle.expires_ms,
        )  # fmt: skip
        try:
            alice.start(bob, PrekeyBundle.decode(fields.signed(bob.signer).encode()))
        except ProtocolError:
            continue
        alice.seal(bob, b"x")


def test_mutated_prekey_messages_raise_only_declared_errors(alice, bob):
    session = alice.account.initiate(bob.account.identity_key, bob.bundle().fallback_key)
    sample = session.encrypt(b"x").to_parts()[1]
    hammer(lambda data: bob.account.accept(PrekeyMessage.parse(data), b"?"), [sample], ProtocolError, seed=4)
    assert bob.account.accept(PrekeyMessage.parse(sample), b"")[1] == b"x"


def test_mutated_sender_keys_raise_only_declared_errors():
    outbound = OutboundGroupSession.create(GroupId(b"g" * 32), DeviceId(b"a" * 32), bytes(32), NOW_MS)
    key = outbound.sender_key()
    generator = random.Random(5)

    def use(data):
        exported = mutation.mutated(generator, [key.exported]).ljust(165, b"\0")[:165]
        InboundGroupSession.from_sender_key(SenderKey.decode(data))
        InboundGroupSession.from_sender_key(
            SenderKey(key.group, key.author, key.session_id, key.index, exported)
        )

    hammer(use, [key.encode()], ProtocolError, seed=6)


def test_mutated_group_messages_raise_only_declared_errors():
    outbound = OutboundGroupSession.create(GroupId(b"g" * 32), DeviceId(b"a" * 32), bytes(32), NOW_MS)
    inbound = outbound.inbound()
    samples = [outbound.seal(b"x" * size, b"ad").ciphertext for size in (0, 1, 100)]
    hammer(lambda data: inbound.open(data, b"ad", seen=lambda index: False), samples, ProtocolError, seed=7)
    assert inbound.open(samples[1], b"ad", seen=lambda index: False).plaintext == b"x"


def test_mutated_states_raise_only_store_errors(talking):
    alice, bob = talking
    parties = alice.parties(bob)
    outbound = OutboundGroupSession.create(GroupId(b"g" * 32), DeviceId(b"a" * 32), bytes(32), NOW_MS)
    kinds = [
        (alice.account.to_bytes(KEY), lambda data: DeviceAccount.from_bytes(data, KEY)),
        (alice.to(bob).to_bytes(KEY), lambda data: PeerSessions.from_bytes(parties, data, KEY)),
        (outbound.to_bytes(KEY), lambda data: OutboundGroupSession.from_bytes(data, KEY)),
        (outbound.inbound().to_bytes(KEY), lambda data: InboundGroupSession.from_bytes(data, KEY)),
    ]
    for seed, (sample, load) in enumerate(kinds):
        hammer(load, [sample], StoreError, seed)


@pytest.mark.parametrize(
    ("limit", "decode"),
    [
        (MAX_ENVELOPE_BYTES, Envelope.decode),
        (MAX_BUNDLE_BYTES, PrekeyBundle.decode),
        (MAX_SENDER_KEY_BYTES, SenderKey.decode),
    ],
)
def test_decoders_use_memory_in_proportion_to_their_limit(limit, decode):
    for data in [shape for size in (limit, 100 * limit) for shape in mutation.oversized(size)]:
        tracemalloc.start()
        with pytest.raises(DecodeError):
            decode(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20 * limit + MAX_BYTES


def test_an_envelope_over_the_limit_is_refused_before_it_is_parsed():
    largest = Envelope(Message(SessionId(bytes(16)), 0, None), bytes(MAX_ENVELOPE_BYTES - 30)).encode()
    assert Envelope.decode(largest).encode() == largest
    with pytest.raises(DecodeError):
        Envelope.decode(largest + bytes(30))


def test_the_state_with_one_peer_stays_bounded_whatever_is_lost(talking):
    alice, bob = talking
    for _ in range(8):
        alice.start(bob)
        for _ in range(7):
            for _ in range(60):
                alice.seal(bob, b"lost")
            bob.open(alice, alice.seal(bob, b"x"))
            alice.open(bob, bob.seal(alice, b"y"))
    assert len(bob.to(alice).to_bytes(KEY)) < 256 * 1024
