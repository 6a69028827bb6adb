"""The bytes of version 1, from the wire down to what Olm sees, as docs/protocol/ratchet.md has them."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from nacl.secret import Aead
from nacl.signing import VerifyKey

from p2pchat.core.codec import decode, encode
from p2pchat.core.ids import ConversationId, DeviceId, PersonId
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.bursts import GroupBody, open_body, open_key
from p2pchat.core.ratchet.megolm import SenderKey
from p2pchat.core.ratchet.parties import Endpoint, Parties
from p2pchat.core.ratchet.peer import PeerSessions
from p2pchat.core.ratchet.sender_keys import InboundGroupSession, OutboundGroupSession

STORE_KEY = bytes(32)
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "ratchet.json").read_text())


def raw(*path):
    value = VECTORS
    for step in path:
        value = value[step]
    return bytes.fromhex(value)


def endpoint(name):
    end = VECTORS[name]
    person, device, key = (bytes.fromhex(end[field]) for field in ("person", "device", "identity_key"))
    return Endpoint(PersonId(person), DeviceId(device), key)


def parties(ours):
    theirs = "bob" if ours == "alice" else "alice"
    return Parties(endpoint(ours), endpoint(theirs), ConversationId(raw("conversation")))


def tagged_hash(tag, *parts):
    """The hash of docs/protocol/ratchet.md §1, written anew."""
    data = (
        b"p2pchat-hash-v1\0" + tag + b"\0" + b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    )
    return hashlib.sha256(data).digest()


def hkdf(salt, secret, info, length):
    """RFC 5869 with SHA-256, written anew."""
    pseudorandom, output, block = hmac.digest(salt, secret, "sha256"), b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def epoch_keys(salt, secret, number):
    info = b"p2pchat-ratchet-outer-v1\0" + raw("bindings", "alice_to_bob") + raw("start", "session_id")
    keys = hkdf(salt, secret, info + number.to_bytes(4, "big"), 96)
    return {"root": keys[:32], "from_initiator": keys[32:64], "from_responder": keys[64:]}


def test_the_binding_of_each_direction():
    alice, bob = (
        [raw(name, "person"), raw(name, "device"), raw(name, "identity_key")] for name in ("alice", "bob")
    )
    for name, sender, receiver in (("alice_to_bob", alice, bob), ("bob_to_alice", bob, alice)):
        expected = tagged_hash(b"ratchet-parties", b"\1", *sender, *receiver, raw("conversation"))
        assert raw("bindings", name) == expected
    assert parties("bob").incoming == parties("alice").outgoing == raw("bindings", "alice_to_bob")
    assert parties("bob").outgoing == parties("alice").incoming == raw("bindings", "bob_to_alice")


@pytest.mark.parametrize("name", ["for_everybody", "for_alice"])
def test_the_bundles(name):
    data = raw("bundles", name)
    *body, signature = decode(data)
    message = b"p2pchat-signature-v1\0prekey-bundle\0" + hashlib.sha256(encode(body)).digest()
    VerifyKey(raw("bob", "device")).verify(message, signature)
    bundle = PrekeyBundle.decode(data)
    bundle.verify(VECTORS["now_ms"])
    assert bundle.endpoint == endpoint("bob")
    assert (bundle.one_time_key is None) == (name == "for_everybody")
    assert bundle.encode() == data


def test_a_start_from_the_wire_down_to_what_olm_sees():
    version, kind, generation, key_id, ciphertext, sealed = header = decode(raw("start", "envelope"))
    assert (version, kind, generation) == (1, 0, 1)
    private = MLKEM768PrivateKey.from_seed_bytes(raw("bob", "kem_seed"))
    assert tagged_hash(b"ratchet-kem-key", private.public_key().public_bytes_raw())[:8] == key_id
    assert tagged_hash(b"ratchet-session", key_id, ciphertext)[:16] == raw("start", "session_id")
    secret = private.decapsulate(ciphertext)
    assert secret == raw("start", "kem_secret")
    keys = epoch_keys(bytes(32), secret, 0)
    assert keys == {name: raw("start", "epoch_0", name) for name in keys}
    associated = encode([*header[:5], raw("bindings", "alice_to_bob")])
    assert associated == raw("start", "associated_data")
    assert tagged_hash(b"ratchet-context", associated) == raw("start", "context")
    content = Aead(keys["from_initiator"]).decrypt(sealed, associated)
    assert content == raw("start", "signature") + raw("start", "olm_message")
    statement = encode([*header[:5], VECTORS["start"]["olm_session_id"], raw("bindings", "alice_to_bob")])
    assert statement == raw("start", "signed_statement")
    message = b"p2pchat-signature-v1\0ratchet-start\0" + hashlib.sha256(statement).digest()
    VerifyKey(raw("alice", "device")).verify(message, raw("start", "signature"))


def test_a_start_is_opened():
    account = DeviceAccount.from_bytes(raw("stored_account_of_bob"), STORE_KEY)
    opened = PeerSessions(parties("bob")).open(account, raw("start", "envelope"))
    assert opened.plaintext == raw("start", "plaintext")


def test_the_keys_of_a_later_epoch():
    keys = epoch_keys(raw("epoch_1", "root_before"), raw("epoch_1", "kem_secret"), 1)
    assert keys == {name: raw("epoch_1", name) for name in keys}


@pytest.mark.parametrize(
    ("step", "epoch", "kem_size"), [("offer", 0, 1184), ("answer", 1, 1088), ("after", 1, 0)]
)
def test_stored_sessions_open_what_changes_the_outer_key(step, epoch, kem_size):
    receiver = VECTORS["change_of_epoch"][step]["receiver"]
    stored, envelope = (raw("change_of_epoch", step, part) for part in ("stored_sessions", "envelope"))
    version, kind, session_id, number, kem_field, _ = decode(envelope)
    assert (version, kind, session_id) == (1, 1, raw("start", "session_id"))
    assert (number, len(kem_field or b"")) == (epoch, kem_size)
    sessions = PeerSessions.from_bytes(parties(receiver), stored, STORE_KEY)
    opened = sessions.open(DeviceAccount.create(0), envelope)
    assert opened.plaintext == raw("change_of_epoch", step, "plaintext")


def test_a_sender_key_opens_the_messages_from_its_index_on():
    key = SenderKey.decode(raw("group", "sender_key"))
    assert key.encode() == raw("group", "sender_key")
    assert (key.session_id, key.index) == (raw("group", "session_id"), 1)
    inbound = InboundGroupSession.from_sender_key(key)
    for number in (1, 2):
        message = {
            name: bytes.fromhex(value)
            for name, value in VECTORS["group"]["messages"][number].items()
            if name != "index"
        }
        context = tagged_hash(
            b"ratchet-group", b"\1", key.group, key.author, key.session_id, message["associated"]
        )
        assert context == message["context"]
        opened = inbound.open(message["ciphertext"], message["associated"], seen=lambda index: False)
        assert (opened.index, opened.plaintext) == (number, message["plaintext"])


def test_stored_group_sessions_are_read():
    inbound = InboundGroupSession.from_bytes(raw("group", "stored_inbound"), STORE_KEY)
    first = VECTORS["group"]["messages"][0]
    opened = inbound.open(
        bytes.fromhex(first["ciphertext"]), bytes.fromhex(first["associated"]), seen=lambda index: False
    )
    assert opened.plaintext == bytes.fromhex(first["plaintext"])
    outbound = OutboundGroupSession.from_bytes(raw("group", "stored_outbound"), STORE_KEY)
    sealed = outbound.seal(b"next", b"")
    assert inbound.open(sealed.ciphertext, b"", seen=lambda index: False).index == 3


def test_a_burst_is_opened_by_the_key_that_it_carries():
    reader = InboundGroupSession.from_sender_key(SenderKey.decode(raw("burst", "sender_key")))
    for number, message in enumerate(VECTORS["burst"]["messages"]):
        body = GroupBody.decode(bytes.fromhex(message["body"]))
        assert body.encode().hex() == message["body"]
        assert open_body(reader, body).hex() == message["plaintext"]
        if number:
            assert open_key(reader, body.sealed_key) == raw("burst", "key")
        else:
            assert body.sealed_key is None
