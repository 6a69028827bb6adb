"""Sealing for one device (Olm inside an ML-KEM layer) and for a group (Megolm sender keys).

Two devices talk in *envelopes*. Everything here is pure: bytes, keys and times come in, bytes go
out; only vodozemac, ML-KEM and libsodium draw their own randomness. Formats and reasons are in
docs/protocol/ratchet.md.

>>> from p2pchat.core.ids import ConversationId, DeviceId, PersonId
>>> from p2pchat.core.keys import SigningKey
>>> from p2pchat.core.ratchet.account import DeviceAccount
>>> from p2pchat.core.ratchet.bundle import PrekeyBundle
>>> from p2pchat.core.ratchet.parties import Endpoint, Parties
>>> from p2pchat.core.ratchet.peer import PeerSessions
>>> now_ms, store_key = 1_800_000_000_000, bytes(32)
>>> alice_key, bob_key = SigningKey(b"a" * 32), SigningKey(b"b" * 32)
>>> alice_account, bob_account = DeviceAccount.create(now_ms), DeviceAccount.create(now_ms)
>>> alice_person, bob_person = PersonId(b"A" * 32), PersonId(b"B" * 32)

Each side knows from the other's card which Olm identity key is certified for his device.

>>> alice = Endpoint(alice_person, DeviceId(alice_key.public), alice_account.identity_key)
>>> bob = Endpoint(bob_person, DeviceId(bob_key.public), bob_account.identity_key)
>>> conversation = ConversationId(b"c" * 32)
>>> to_bob = PeerSessions(Parties(ours=alice, theirs=bob, conversation=conversation))
>>> to_alice = PeerSessions(Parties(ours=bob, theirs=alice, conversation=conversation))

Bob answers a request for his bundle; he stores his account before the bundle leaves. Alice starts a
session from it while Bob may be away. After a nak she does the same with a fresh bundle.

>>> bundle = bob_account.bundle(bob_person, bob_key, now_ms, recipient=alice.device).encode()
>>> stored_account = bob_account.to_bytes(store_key)
>>> if to_bob.needs_bundle:
...     to_bob.start(alice_account, PrekeyBundle.decode(bundle), alice_key, now_ms)
>>> envelope = to_bob.seal(b"hello")
>>> stored_sessions = to_bob.to_bytes(store_key)  # in one transaction with the envelope, then send

Bob opens it; `UndecryptableError` means a nak with its `reason`, other `ProtocolError`s a drop.

>>> opened = to_alice.open(bob_account, envelope)
>>> opened.plaintext, opened.account_changed  # the account is stored too if it changed
(b'hello', True)

After a restart:

>>> to_bob = PeerSessions.from_bytes(to_bob.parties, stored_sessions, store_key)
>>> to_bob.open(alice_account, to_alice.seal(b"hi")).plaintext
b'hi'
>>> bob_account.maintain(now_ms)  # daily: rotates prekeys when due; True means store the account
False

A group member shares his sender key in pairwise envelopes and seals once for all.

>>> from p2pchat.core.ids import GroupId
>>> from p2pchat.core.ratchet.megolm import SenderKey
>>> from p2pchat.core.ratchet.sender_keys import InboundGroupSession, OutboundGroupSession
>>> group, view = GroupId(b"g" * 32), bytes(32)
>>> outbound = OutboundGroupSession.create(group, alice.device, view, now_ms)
>>> outbound.should_rotate(view, now_ms)
False
>>> shared = outbound.sender_key().encode()
>>> sealed = outbound.seal(b"to all", b"entry header")  # .session_id, .index, .ciphertext
>>> inbound = InboundGroupSession.from_sender_key(SenderKey.decode(shared))
>>> inbound.open(sealed.ciphertext, b"entry header", seen=lambda index: False).plaintext
b'to all'
"""
