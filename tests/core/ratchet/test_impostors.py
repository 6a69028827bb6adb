"""Attackers who speak Olm themselves: key compromise impersonation, unknown key share, bad keys.

The attacker's Olm below is written from its specification (olm.md), so it can do what vodozemac
refuses to do for an attacker, and shows that the specification is what we speak.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.secret import Aead

from p2pchat.core.codec import encode
from p2pchat.core.ratchet import kem, olm
from p2pchat.core.ratchet.envelope import MAX_COUNTER, Envelope, Start, associated_data, context
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.outer import OuterLayer
from p2pchat.core.ratchet.pickled import PICKLE_KEY
from p2pchat.errors import DecodeError, ProtocolError

EPHEMERAL = b"e" * 32
ZERO_KEY = bytes(32)


@dataclass
class Stolen:
    """The Curve25519 secrets in a stolen account."""

    identity: bytes
    fallback: bytes

    @classmethod
    def from_device(cls, device) -> Stolen:
        raw = base64.b64decode(device.account._account.frozen() + "==")
        keys = HKDF(SHA256(), 80, b"\0", b"Pickle").derive(PICKLE_KEY)
        cipher = Cipher(algorithms.AES(keys[:32]), modes.CBC(keys[64:])).decryptor()
        padded = cipher.update(raw[:-8]) + cipher.finalize()
        pickle = json.loads(padded[: -padded[-1]])
        fallback = pickle["fallback_keys"]["fallback_key"]["key"]
        return cls(bytes(pickle["diffie_hellman_key"]), bytes(fallback))


def prekey_message(shared_secret, keys, plaintext, ratchet_key=None):
    """An Olm prekey message with the three public `keys` (prekey, base, identity) as claimed."""
    root = HKDF(SHA256(), 64, b"\0", b"OLM_ROOT").derive(shared_secret)
    message_key = hmac.digest(root[32:], b"\x01", "sha256")
    derived = HKDF(SHA256(), 80, b"\0", b"OLM_KEYS").derive(message_key)
    padding = 16 - len(plaintext) % 16
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[64:])).encryptor()
    ciphertext = cipher.update(plaintext + bytes([padding]) * padding) + cipher.finalize()
    ratchet_key = crypto_scalarmult_base(EPHEMERAL) if ratchet_key is None else ratchet_key
    inner = b"\x03\x0a\x20" + ratchet_key + b"\x10\x00\x22" + bytes([len(ciphertext)]) + ciphertext
    inner += hmac.digest(derived[32:64], inner, "sha256")[:8]
    prekey, base, identity = keys
    length = bytes([len(inner) % 128 + 128, len(inner) // 128])
    return b"\x03\x0a\x20" + prekey + b"\x12\x20" + base + b"\x1a\x20" + identity + b"\x22" + length + inner


def olm_session_id(keys):
    prekey, base, identity = keys
    return base64.b64encode(hashlib.sha256(identity + base + prekey).digest()).decode().rstrip("=")


class Attack:
    """A start towards `victim` in the name of `claimed`, made piece by piece."""

    def __init__(self, victim, claimed, generation=1):
        self.binding = victim.parties(claimed).incoming
        public = victim.bundle().kem_public
        secret, ciphertext = kem.encapsulate(public)
        self.header = Start(generation, kem.key_id(public), ciphertext)
        outer = OuterLayer.begin(self.header.session_id, self.binding, secret, is_initiator=True)
        self.key = outer.seal()[2]
        self.associated = associated_data(self.header, self.binding)
        self.context = context(self.associated)

    def sign(self, signer, keys):
        statement = encode([*self.header.fields(), olm_session_id(keys), self.binding])
        return signer.sign("ratchet-start", statement)

    def envelope(self, signature, message):
        sealed = Aead(self.key).encrypt(signature + message, self.associated)
        return Envelope(self.header, bytes(sealed)).encode()


def refused(victim, claimed, envelope):
    with pytest.raises(UndecryptableError) as error:
        victim.open(claimed, envelope)
    return error.value.reason


def pose_with_victims_keys(victim, claimed):
    """What a thief of the victim's keys computes to pose as `claimed`: X3DH from the other side."""
    stolen = Stolen.from_device(victim)
    bundle = victim.bundle()
    identity = claimed.endpoint.identity_key
    keys = (bundle.fallback_key, crypto_scalarmult_base(EPHEMERAL), identity)
    shared = (
        crypto_scalarmult(stolen.fallback, identity)
        + crypto_scalarmult(EPHEMERAL, bundle.identity_key)
        + crypto_scalarmult(EPHEMERAL, bundle.fallback_key)
    )
    return keys, shared


def test_key_compromise_a_thief_of_all_my_keys_cannot_pose_as_another_to_me(alice, bob):
    attack = Attack(victim=bob, claimed=alice)
    keys, shared = pose_with_victims_keys(bob, alice)
    message = prekey_message(shared, keys, attack.context + b"it is me, Alice")
    as_bob = attack.sign(bob.signer, keys)
    assert refused(bob, alice, attack.envelope(as_bob, message)) is Reason.FORGED
    # The signature of the device is what stops him: with Alice's too, the forgery would be perfect.
    as_alice = attack.sign(alice.signer, keys)
    assert bob.open(alice, attack.envelope(as_alice, message)) == b"it is me, Alice"


def test_a_thief_of_the_device_key_alone_cannot_start_in_its_name(alice, bob, device):
    eve = device("eve")
    attack = Attack(victim=bob, claimed=alice)
    own = eve.account.initiate(bob.account.identity_key, bob.bundle().fallback_key)
    _, message = own.encrypt(attack.context + b"it is me, Alice").to_parts()
    parsed = olm.PrekeyMessage.parse(message)
    claimed = (parsed.prekey, parsed.base_key, alice.endpoint.identity_key)
    renamed = message.replace(eve.account.identity_key, alice.endpoint.identity_key)
    for keys, raw in (
        ((parsed.prekey, parsed.base_key, parsed.identity_key), message),
        (claimed, renamed),
    ):
        envelope = attack.envelope(attack.sign(alice.signer, keys), raw)
        assert refused(bob, alice, envelope) is Reason.FORGED


def test_unknown_key_share_a_message_for_mallory_is_not_accepted_as_one_for_me(alice, bob, device):
    mallory = device("mallory")
    victim = bob.bundle(mallory)
    # Mallory certifies Bob's Olm keys as hers; the KEM key is hers, so she can take the outer layer off.
    posed = replace(
        mallory.bundle(),
        identity_key=victim.identity_key,
        fallback_key=victim.fallback_key,
        one_time_key=victim.one_time_key,
    ).signed(mallory.signer)
    as_seen = replace(mallory.endpoint, identity_key=victim.identity_key)
    to_mallory = type(alice.to(bob))(replace(alice.parties(bob), theirs=as_seen))
    to_mallory.start(alice.account, posed, alice.signer, alice.now_ms)
    envelope = Envelope.decode(to_mallory.seal(b"for Mallory's eyes"))
    secret = mallory.account.kem_key(envelope.header.kem_key_id).decapsulate(envelope.header.kem_ciphertext)
    binding = to_mallory.parties.outgoing
    outer = OuterLayer.begin(envelope.header.session_id, binding, secret, is_initiator=False)
    content = Aead(outer.receiving(0, None)[1]).decrypt(
        envelope.sealed, associated_data(envelope.header, binding)
    )
    signature, message = content[:64], content[64:]
    # She wraps the very same Olm message for Bob, to whom it then seems to come from Alice.
    attack = Attack(victim=bob, claimed=alice)
    assert refused(bob, alice, attack.envelope(signature, message)) is Reason.FORGED
    # Even with a signature that fits, Olm's own plaintext says whom it was for; and Bob's keys stay.
    parsed = olm.PrekeyMessage.parse(message)
    keys = (parsed.prekey, parsed.base_key, parsed.identity_key)
    envelope = attack.envelope(attack.sign(alice.signer, keys), message)
    assert refused(bob, alice, envelope) is Reason.FORGED
    assert bob.bundle(mallory).one_time_key == victim.one_time_key
    bob.account.accept(parsed, b"")  # vodozemac itself would have opened it


@pytest.mark.parametrize("field", ["identity_key", "fallback_key", "one_time_key"])
def test_an_all_zero_key_in_a_bundle_is_refused(alice, bob, field):
    bundle = bob.bundle(alice) if field == "one_time_key" else bob.bundle()
    bad = replace(bundle, **{field: ZERO_KEY}).signed(bob.signer)
    certified = replace(bob.endpoint, identity_key=bad.identity_key)  # even if it were certified
    sessions = type(alice.to(bob))(replace(alice.parties(bob), theirs=certified))
    with pytest.raises(ProtocolError):
        sessions.start(alice.account, bad, alice.signer, alice.now_ms)
    assert sessions.needs_bundle


def test_an_all_zero_base_key_in_a_start_is_refused(alice, bob):
    attack = Attack(victim=bob, claimed=alice)
    fallback = bob.bundle().fallback_key
    known = crypto_scalarmult(Stolen.from_device(alice).identity, fallback)
    keys = (fallback, ZERO_KEY, alice.endpoint.identity_key)
    message = prekey_message(known + bytes(64), keys, attack.context + b"x")
    assert refused(bob, alice, attack.envelope(attack.sign(alice.signer, keys), message)) is Reason.FORGED


def test_an_all_zero_ratchet_key_is_refused_before_an_answer_trips_over_it(alice, bob):
    attack = Attack(victim=bob, claimed=alice)
    keys, shared = pose_with_victims_keys(bob, alice)
    message = prekey_message(shared, keys, attack.context + b"x", ratchet_key=ZERO_KEY)
    signature = attack.sign(alice.signer, keys)
    assert refused(bob, alice, attack.envelope(signature, message)) is Reason.FORGED
    assert bob.to(alice).needs_bundle


def test_a_peer_that_uses_up_the_generations_harms_only_its_own_channel(alice, bob):
    attack = Attack(victim=bob, claimed=alice, generation=MAX_COUNTER - 1)
    keys, shared = pose_with_victims_keys(bob, alice)
    message = prekey_message(shared, keys, attack.context + b"the last generation")
    assert (
        bob.open(alice, attack.envelope(attack.sign(alice.signer, keys), message)) == b"the last generation"
    )
    with pytest.raises(ProtocolError):
        bob.start(alice)
    bob.seal(alice, b"in the session that is there")


@pytest.mark.parametrize("content", [b"", bytes(64), bytes(64 + 103), bytes(64 + 200)])
def test_a_malformed_start_from_a_peer_is_a_decode_error(alice, bob, content):
    attack = Attack(victim=bob, claimed=alice)
    with pytest.raises(DecodeError):
        bob.open(alice, attack.envelope(content[:64], content[64:]))
