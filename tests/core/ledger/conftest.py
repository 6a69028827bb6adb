"""People with devices that keep a ledger: the pure pieces, joined the way a node joins them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from p2pchat.core.identity import DeviceCertificate
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger import agreements, recovery
from p2pchat.core.ledger.account import Account, open_account
from p2pchat.core.ledger.entry import Kind, SignedEntry, verify
from p2pchat.core.ledger.opening import add_stored
from p2pchat.core.ledger.recovery import Anchor, Recovery
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import iso_unit
from p2pchat.core.ledger.writer import Draft, WriterHead, write
from p2pchat.errors import UsageError

NOW_MS = 1_800_000_000_000


def seed(*parts: object) -> bytes:
    """32 bytes that differ for different `parts`: the tests' randomness, the same in every run."""
    return hashlib.sha256(repr(parts).encode()).digest()


class Device:
    """One device of one person in one account: its database, its anchor outside, and what it signs."""

    def __init__(self, account: Account, person: PersonId, key: SigningKey, owners: dict) -> None:
        self.account = account
        self.person = person
        self.key = key
        self.id = DeviceId(key.public)
        self.owners = owners
        self.state = AccountState(account, owners)
        self.known: dict[bytes, SignedEntry] = {}  # the database
        self.epochs = 0
        self.nonces = 0
        self.head = WriterHead.start(account.id, self.fresh_epoch())
        self.anchor = Anchor.of(self.head)
        self.recovery: Recovery | None = None

    def fresh_epoch(self) -> bytes:
        self.epochs += 1
        return seed(self.id, "epoch", self.epochs)[:8]

    def write(self, draft: Draft, *, now_ms: int = NOW_MS) -> SignedEntry:
        signed = self.commit(draft, now_ms=now_ms)
        self.anchor = Anchor.of(self.head, self.anchor)
        return signed

    def commit(self, draft: Draft, *, now_ms: int = NOW_MS) -> SignedEntry:
        """Sign and store, and crash before the anchor is written."""
        recovery.check_allowed(self.recovery, self.state, draft)
        self.nonces += 1
        nonce = seed(self.id, "nonce", self.nonces)[:12]
        signed, self.head = write(draft, self.head, self.key, now_ms=now_ms, nonce=nonce)
        self.take(signed)
        return signed

    def do(
        self, action: Callable[..., Draft], *args: object, now_ms: int = NOW_MS, **kw: object
    ) -> SignedEntry:
        """Sign what `action` of `actions.py` drafts for this person."""
        return self.write(action(self.state, self.person, *args, **kw), now_ms=now_ms)

    def take(self, signed: SignedEntry) -> list:
        self.known.setdefault(signed.id, signed)
        return self.state.add(signed)

    def receive(self, raw: bytes, signature: bytes) -> list:
        return self.take(verify(raw, signature))

    def pull(self, other: Device) -> None:
        for signed in list(other.known.values()):
            if signed.id not in self.known:
                self.receive(signed.raw, signed.signature)

    def backup(self) -> tuple:
        return dict(self.known), self.head, self.recovery

    def restart(self, database: tuple | None = None) -> None:
        """Open the database again, or an old one in its place."""
        known, self.head, self.recovery = database or self.backup()
        self.known = dict(known)
        self.state = AccountState(self.account, self.owners)
        add_stored(self.state, [(signed.raw, signed.signature) for signed in self.known.values()])
        self.check_rollback()

    def check_rollback(self) -> None:
        if recovery.is_rolled_back(self.state, self.id, self.head, self.anchor):
            epoch = self.fresh_epoch()
            self.recovery = recovery.begin(self.id, epoch, self.anchor, self.head)
            self.head = WriterHead.start(self.account.id, epoch)
        self.anchor = Anchor.of(self.head, self.anchor)

    def recover_with(self, other: Device) -> None:
        """One round of the recovery, in both directions and without loss."""
        if self.recovery is None:
            return
        self.recovery = recovery.hear_heads(self.recovery, tuple(head.id for head in other.state.heads()))
        self.pull(other)
        for draft in recovery.closures_to_propose(self.recovery, self.state):
            self.write(draft)
        other.pull(self)
        other.agree_to_closures()
        self.pull(other)
        if recovery.is_settled(self.recovery, self.state):
            self.recovery = None

    def agree_to_closures(self) -> None:
        for signed in list(self.state.chains.entries.values()):
            if signed.entry.kind is Kind.CLOSURE:
                try:
                    self.do(agreements.agree, signed.id)
                except UsageError:
                    continue  # one's own, agreed already, or overtaken by a later one

    @property
    def owed(self) -> int:
        return self.state.owed_to(self.person)


class Pair:
    """Alice and Bob, one device each, and their account."""

    def __init__(self, unit=iso_unit("EUR")) -> None:  # noqa: B008
        names = ("alice", "bob")
        self.roots = [SigningKey(seed(name)) for name in names]
        persons = [PersonId(root.public) for root in self.roots]
        keys = [SigningKey(seed(name, "phone")) for name in names]
        devices = [DeviceId(key.public) for key in keys]
        self.account = open_account(persons[0], persons[1], unit)
        self.owners = dict(zip(devices, persons, strict=True))
        self.certificates = [
            DeviceCertificate.issue(root, key, bytes(32), NOW_MS).encode()
            for root, key in zip(self.roots, keys, strict=True)
        ]
        self.alice, self.bob = (
            Device(self.account, person, key, self.owners) for person, key in zip(persons, keys, strict=True)
        )

    def add_device(self, owner: Device, name: str) -> Device:
        """A second device of the person who owns `owner`."""
        key = SigningKey(seed(name))
        self.owners[DeviceId(key.public)] = owner.person
        for device in (self.alice, self.bob):
            device.state.admit(DeviceId(key.public), owner.person)
        return Device(self.account, owner.person, key, self.owners)

    def sync(self) -> None:
        self.alice.pull(self.bob)
        self.bob.pull(self.alice)


@pytest.fixture(scope="session")
def new_pair() -> type[Pair]:
    """The class itself, for tests that need several pairs or a unit of their own."""
    return Pair


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def alice(pair: Pair) -> Device:
    return pair.alice


@pytest.fixture
def bob(pair: Pair) -> Device:
    return pair.bob


@pytest.fixture(scope="session")
def new_device() -> type[Device]:
    """The class itself, for tests that build accounts of their own."""
    return Device
