"""What the ratchet costs on top of its two ciphers, as ratios within one run.

Run `python benchmarks/ratchet.py [rounds]`. One step is what a node does for one envelope: the sender
seals and pickles, the receiver opens and pickles. *Raw* is vodozemac and libsodium alone: encrypt,
outer AEAD and session pickle on the one side, the reverse on the other. Both alternate in small
rounds, so that a noisy machine disturbs both; the median round counts.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import vodozemac
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.utils import random

from p2pchat.core.ids import ConversationId, DeviceId, GroupId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.parties import Endpoint, Parties
from p2pchat.core.ratchet.peer import PeerSessions
from p2pchat.core.ratchet.sender_keys import OutboundGroupSession

NOW_MS = 1_800_000_000_000
KEY = bytes(32)
STEPS = 200
SIZES = (200, 4096, 65536)

Step = Callable[[bytes], None]


def raw_step() -> Step:
    """vodozemac and XChaCha20-Poly1305 with nothing of ours around them."""
    alice, bob = vodozemac.Account(), vodozemac.Account()
    bob.generate_one_time_keys(1)
    (one_time_key,) = bob.one_time_keys.values()
    sender = alice.create_outbound_session(bob.curve25519_key, one_time_key)
    first = sender.encrypt(b"").to_pre_key()
    assert first is not None
    receiver, _ = bob.create_inbound_session(alice.curve25519_key, first)
    sender.decrypt(receiver.encrypt(b""))

    def step(plaintext: bytes) -> None:
        kind, inner = sender.encrypt(plaintext).to_parts()
        nonce = random(24)
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(inner, b"ad", nonce, KEY)
        sender.pickle(KEY)
        opened = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, b"ad", nonce, KEY)
        assert receiver.decrypt(vodozemac.AnyOlmMessage.from_parts(kind, opened)) == plaintext
        receiver.pickle(KEY)

    return step


class Pair:
    """Two devices of ours."""

    def __init__(self) -> None:
        self.signers = [SigningKey(bytes([number]) * 32) for number in (1, 2)]
        self.accounts = [DeviceAccount.create(NOW_MS) for _ in self.signers]
        self.ends = [
            Endpoint(PersonId(bytes([number]) * 32), DeviceId(signer.public), account.identity_key)
            for number, (signer, account) in enumerate(zip(self.signers, self.accounts, strict=True))
        ]
        alice, bob = self.ends
        conversation = ConversationId(bytes(32))
        self.sender = PeerSessions(Parties(alice, bob, conversation))
        self.receiver = PeerSessions(Parties(bob, alice, conversation))

    def start(self) -> None:
        """A session from a fresh bundle, and its first envelope opened."""
        alice, bob = self.ends
        bundle = self.accounts[1].bundle(bob.person, self.signers[1], NOW_MS, alice.device)
        self.sender.start(self.accounts[0], bundle, self.signers[0], NOW_MS)
        self.receiver.open(self.accounts[1], self.sender.seal(b""))

    def answer(self) -> None:
        """Establish the session, so that envelopes no longer repeat its start."""
        self.sender.open(self.accounts[0], self.receiver.seal(b""))


def our_step() -> Step:
    pair = Pair()
    pair.start()
    pair.answer()

    def step(plaintext: bytes) -> None:
        envelope = pair.sender.seal(plaintext)
        pair.sender.to_bytes(KEY)
        assert pair.receiver.open(pair.accounts[1], envelope).plaintext == plaintext
        pair.receiver.to_bytes(KEY)

    return step


def our_ping_pong() -> Step:
    pair = Pair()
    pair.start()
    pair.answer()

    def step(plaintext: bytes) -> None:
        pair.receiver.open(pair.accounts[1], pair.sender.seal(plaintext))
        pair.sender.open(pair.accounts[0], pair.receiver.seal(plaintext))

    return step


def our_start() -> Step:
    pair = Pair()
    return lambda plaintext: pair.start()


def raw_group() -> Step:
    outbound = vodozemac.GroupSession()
    inbound = vodozemac.InboundGroupSession(outbound.session_key)

    def step(plaintext: bytes) -> None:
        raw = outbound.encrypt(plaintext).to_bytes()
        inbound.decrypt(vodozemac.MegolmMessage.from_bytes(raw))

    return step


def our_group() -> Step:
    outbound = OutboundGroupSession.create(GroupId(bytes(32)), DeviceId(bytes(32)), bytes(32), NOW_MS)
    inbound = outbound.inbound()

    def step(plaintext: bytes) -> None:
        inbound.open(outbound.seal(plaintext, b"ad").ciphertext, b"ad", seen=lambda index: False)

    return step


def compare(raw: Step, ours: Step, plaintext: bytes, rounds: int) -> tuple[float, float]:
    """Median seconds a step of each, from alternating rounds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for step, taken in zip((raw, ours), times, strict=True):
            begin = time.perf_counter()
            for _ in range(STEPS):
                step(plaintext)
            taken.append((time.perf_counter() - begin) / STEPS)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"{'step':30} {'bytes':>6} {'raw µs':>8} {'ours µs':>8} {'ours/s':>8} {'of raw':>7}")
    for size in SIZES:
        for name, raw, ours in (
            ("seal, pickle, open, pickle", raw_step(), our_step()),
            ("group seal, open", raw_group(), our_group()),
        ):
            least, taken = compare(raw, ours, bytes(size), rounds)
            rates = f"{least * 1e6:8.1f} {taken * 1e6:8.1f} {1 / taken:8.0f} {least / taken:7.0%}"
            print(f"{name:30} {size:6} {rates}")
    turn, start = compare(our_ping_pong(), our_start(), bytes(200), rounds)
    print(f"{'there and back, new DH keys':30} {200:6} {'':8} {turn * 1e6:8.1f} {1 / turn:8.0f}")
    print(f"{'bundle, start, first open':30} {'':6} {'':8} {start * 1e6:8.1f} {1 / start:8.0f}")


if __name__ == "__main__":
    main()
