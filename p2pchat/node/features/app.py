"""Who this node is: the keys and the few things from outside that every feature needs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

from p2pchat.config import Home
from p2pchat.core.identity import MAX_ADDRESSES, Card, DeviceCertificate, MailboxKeys, clean_name
from p2pchat.core.ids import DeviceId, FileId, GroupId, LedgerEntryId, PersonId
from p2pchat.core.keys import SEED_SIZE, SigningKey, tagged_hash
from p2pchat.core.mailbox.sealing import MailboxSecret
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.peer import PeerSessions
from p2pchat.core.ratchet.sender_keys import OutboundGroupSession
from p2pchat.errors import DecodeError, StoreError, UsageError
from p2pchat.node.features.group.group_cache import GroupCache
from p2pchat.node.features.ledger.account_cache import AccountCache
from p2pchat.store import anchor, mailboxes, meta
from p2pchat.store.blobs import Blobs
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

_NAME: Final = "name"
_ROOT: Final = "person seed"
_DEVICE: Final = "device seed"
_CERTIFICATE: Final = "device certificate"
_ACCOUNT: Final = "olm account"
_CARD_VERSION: Final = "card version"
_FROM_WORDS: Final = "restored from words"
_ADDRESSES: Final = "own addresses"


@dataclass(frozen=True, slots=True)
class Fetching:
    """How far a file has come, and what is in the way if nothing comes now."""

    came: int  # bytes
    trouble: str = ""


@dataclass(frozen=True)
class App:
    """This person on this device."""

    home: Home
    name: str
    root: SigningKey
    key: SigningKey
    certificate: DeviceCertificate
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    """Fresh randomness of so many bytes."""
    groups: GroupCache = field(default_factory=GroupCache, repr=False)
    sealing: dict[GroupId, tuple[bytes, OutboundGroupSession]] = field(default_factory=dict, repr=False)
    """My sender keys as last stored, and the same kept open: unsealing one costs as much as using it."""
    sessions: dict[DeviceId, tuple[bytes, PeerSessions]] = field(default_factory=dict, repr=False)
    """The same of pairwise sessions: valid as long as the stored state is the one noted here."""
    accounts: AccountCache = field(default_factory=AccountCache, repr=False)
    fetching: dict[FileId, Fetching] = field(default_factory=dict, repr=False)
    """How far files that the running node fetches have come."""

    @property
    def person(self) -> PersonId:
        """My person id."""
        return self.certificate.person

    @property
    def device(self) -> DeviceId:
        """My device id."""
        return self.certificate.device

    @cached_property
    def blobs(self) -> Blobs:
        """The sealed bytes of files, beside the store."""
        return Blobs(self.home.files)

    @cached_property
    def pickle_key(self) -> bytes:
        """What ratchet states are wrapped under inside the (encrypted) store."""
        return tagged_hash("pickle", self.key.seed)

    @cached_property
    def mailbox_secret(self) -> MailboxSecret:
        """What parcels for this device are sealed to."""
        return MailboxSecret(tagged_hash("mailbox key", self.key.seed))

    @cached_property
    def box_key(self) -> SigningKey:
        """What opens this device's box at a mailbox."""
        return SigningKey(tagged_hash("mailbox box", self.key.seed))

    @classmethod
    def create(
        cls,
        tx: Transaction,
        home: Home,
        name: str,
        now_ms: Callable[[], int],
        entropy: Callable[[int], bytes],
        *,
        seed: bytes | None = None,
    ) -> Self:
        """A person with one device, written into an empty store: a new one, or him whose root seed is `seed`.

        Raises:
            UsageError: the name cannot be used.
        """
        try:
            name = clean_name(name)
        except DecodeError as error:
            raise UsageError(str(error)) from error
        if seed is not None:
            meta.put(tx, _FROM_WORDS, b"")
        return cls._begin(tx, home, name, SigningKey(seed or entropy(SEED_SIZE)), now_ms, entropy)

    @classmethod
    def _begin(
        cls,
        tx: Transaction,
        home: Home,
        name: str,
        root: SigningKey,
        now_ms: Callable[[], int],
        entropy: Callable[[int], bytes],
    ) -> Self:
        key = SigningKey(entropy(SEED_SIZE))
        account = DeviceAccount.create(now_ms())
        certificate = DeviceCertificate.issue(root, key, account.identity_key, now_ms())
        app = cls(home, name, root, key, certificate, now_ms, entropy)
        meta.put(tx, _NAME, name.encode())
        meta.put(tx, _ROOT, root.seed)
        meta.put(tx, _DEVICE, key.seed)
        meta.put(tx, _CERTIFICATE, certificate.encode())
        meta.put(tx, _ADDRESSES, b"")
        app._raise_card_version(tx)
        app.save_account(tx, account)
        return app

    def on_new_device(self, tx: Transaction) -> Self:
        """The same person on a device that begins now, in place of this one."""
        return self._begin(tx, self.home, self.name, self.root, self.now_ms, self.entropy)

    @classmethod
    def load(cls, tx: Reader, home: Home, now_ms: Callable[[], int], entropy: Callable[[int], bytes]) -> Self:
        """The person this store belongs to.

        Raises:
            StoreError: the store holds none.
        """
        values = [meta.get(tx, key) for key in (_NAME, _ROOT, _DEVICE, _CERTIFICATE)]
        if None in values:
            raise StoreError(f"the store in {home.directory} holds no identity")
        name, root_seed, device_seed, certificate = [value or b"" for value in values]
        root, key = SigningKey(root_seed), SigningKey(device_seed)
        return cls(
            home,
            name.decode(),
            root,
            key,
            DeviceCertificate.renew(certificate, root, key),
            now_ms,
            entropy,
        )

    def account(self, tx: Reader) -> DeviceAccount:
        """The device's prekeys, to be saved after every use."""
        raw = meta.get(tx, _ACCOUNT)
        assert raw is not None
        return DeviceAccount.from_bytes(raw, self.pickle_key)

    def save_account(self, tx: Transaction, account: DeviceAccount) -> None:
        """Keep the prekeys as they are after a step."""
        meta.put(tx, _ACCOUNT, account.to_bytes(self.pickle_key))

    def is_from_words(self, tx: Reader) -> bool:
        """Whether this store began with a person's words, and nothing of what he had."""
        return meta.get(tx, _FROM_WORDS) is not None

    def remember(self, tx: Transaction, last: LedgerEntryId) -> None:
        """Note beside the store, once this change lasts, what this device has signed last in a ledger."""
        mark, noted = anchor.Mark(self._anchor_name, last), self._anchor

        def note() -> None:
            try:
                noted.write(mark)
            except OSError as error:
                logger.error("%s cannot be written: %s.", noted.path, error.strerror)

        tx.on_disk["ledger anchor"] = note

    def last_remembered(self) -> LedgerEntryId | None:
        """What this device noted last; None if it signed nothing yet, or the note is gone."""
        mark = self._anchor.read()
        return LedgerEntryId(mark.last) if mark is not None and mark.writer == self._anchor_name else None

    @cached_property
    def _anchor(self) -> anchor.Anchor:
        return anchor.Anchor(self.home.ledger_anchor)

    @cached_property
    def _anchor_name(self) -> bytes:
        return tagged_hash("ledger anchor", self.key.seed)

    def addresses(self, tx: Reader) -> tuple[str, ...]:
        """Where this device was last reachable, without /p2p/."""
        raw = meta.get(tx, _ADDRESSES)
        return tuple(raw.decode().split("\n")) if raw else ()

    def card(self, tx: Reader) -> bytes:
        """My card as of now, signed."""
        return Card(
            self.person,
            self._card_version(tx),
            self.name,
            (self.certificate,),
            tuple((self.device, address) for address in self.addresses(tx)[:MAX_ADDRESSES]),
            self.now_ms(),
            mailboxes.named(tx),
            (MailboxKeys(self.device, self.mailbox_secret.public, self.box_key.public),),
        ).sign(self.root)

    def set_addresses(self, tx: Transaction, addresses: tuple[str, ...]) -> bool:
        """Note where this device is reachable now; whether that is news for my contacts."""
        if addresses == self.addresses(tx):
            return False
        meta.put(tx, _ADDRESSES, "\n".join(addresses).encode())
        self._raise_card_version(tx)
        return True

    def renew_card(self, tx: Transaction) -> None:
        """What the card says has changed: it gets a higher version."""
        self._raise_card_version(tx)

    def _card_version(self, tx: Reader) -> int:
        return int.from_bytes(meta.get(tx, _CARD_VERSION) or b"\x01", "big")

    def _raise_card_version(self, tx: Transaction) -> None:
        # The clock, so that a person restored from the words alone outdoes every card of the lost device.
        version = max(self.now_ms(), self._card_version(tx) + 1)
        meta.put(tx, _CARD_VERSION, version.to_bytes(8, "big"))
