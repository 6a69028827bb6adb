"""Devices that talk, each with what a node would keep for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from p2pchat.core.ids import ConversationId, DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.parties import Endpoint, Parties
from p2pchat.core.ratchet.peer import PeerSessions
from p2pchat.core.ratchet.sealed_state import open_state

NOW_MS = 1_800_000_000_000
STORE_KEY = bytes(range(32))
CONVERSATION = ConversationId(b"c" * 32)


@dataclass
class Device:
    """One device: its keys, its account and its sessions with others."""

    name: str
    now_ms: int = NOW_MS
    account: DeviceAccount = field(init=False)
    signer: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        self.signer = SigningKey(self.name.encode().ljust(32, b"."))
        self.account = DeviceAccount.create(self.now_ms)
        self.sessions: dict[DeviceId, PeerSessions] = {}

    @property
    def endpoint(self) -> Endpoint:
        person = PersonId(self.name.upper().encode().ljust(32, b"."))
        return Endpoint(person, DeviceId(self.signer.public), self.account.identity_key)

    def parties(self, peer: Device, conversation: ConversationId = CONVERSATION) -> Parties:
        return Parties(self.endpoint, peer.endpoint, conversation)

    def to(self, peer: Device) -> PeerSessions:
        device = peer.endpoint.device
        if device not in self.sessions:
            self.sessions[device] = PeerSessions(self.parties(peer))
        return self.sessions[device]

    def bundle(self, recipient: Device | None = None) -> PrekeyBundle:
        who = recipient.endpoint.device if recipient else None
        return self.account.bundle(self.endpoint.person, self.signer, self.now_ms, who)

    def start(self, peer: Device, bundle: PrekeyBundle | None = None, *, fallback_only: bool = False) -> None:
        self.to(peer).start(
            self.account, bundle or peer.bundle(self), self.signer, self.now_ms, fallback_only=fallback_only
        )

    def seal(self, peer: Device, plaintext: bytes) -> bytes:
        return self.to(peer).seal(plaintext)

    def open(self, peer: Device, envelope: bytes) -> bytes:
        return self.to(peer).open(self.account, envelope).plaintext

    def state(self) -> list[object]:
        """All that is stored, decrypted: equal before and after exactly if nothing changed."""
        account = open_state(STORE_KEY, "device account", b"", self.account.to_bytes(STORE_KEY), list)
        return [account] + [
            open_state(STORE_KEY, "peer sessions", one.parties.outgoing, one.to_bytes(STORE_KEY), list)
            for one in self.sessions.values()
        ]

    def copy(self) -> Device:
        """Another device object with the same stored state, as after a restart or a theft."""
        copy = Device(self.name, self.now_ms)
        copy.account = DeviceAccount.from_bytes(self.account.to_bytes(STORE_KEY), STORE_KEY)
        copy.sessions = {
            device: PeerSessions.from_bytes(one.parties, one.to_bytes(STORE_KEY), STORE_KEY)
            for device, one in self.sessions.items()
        }
        return copy


@pytest.fixture
def device() -> Callable[[str], Device]:
    return Device


@pytest.fixture
def alice() -> Device:
    return Device("alice")


@pytest.fixture
def bob() -> Device:
    return Device("bob")


@pytest.fixture
def talking(alice: Device, bob: Device) -> tuple[Device, Device]:
    """Alice and Bob in an established session that Alice started."""
    alice.start(bob)
    bob.open(alice, alice.seal(bob, b"hello"))
    alice.open(bob, bob.seal(alice, b"hi"))
    return alice, bob
