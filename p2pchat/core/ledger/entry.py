"""A ledger entry: one signed act of one device, and its only encoding.

An entry is a CBOR array of fixed order (docs/protocol/ledger.md, section 2):

    [1, account, device, epoch, seq, prev, kind, ref, amount, lock, preimage, seen,
     created_ms, details, memo_hash, nonce]

Its id is the tagged hash of those bytes, and the signature is over the id. Entries of one (device,
epoch) form a hash chain through `prev`; a device starts a new epoch whenever it cannot be sure to
know the end of its last chain, so an honest device never signs two entries with one number.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache
from itertools import compress, product
from typing import Final, NamedTuple

import cbor2
import msgspec

from p2pchat.core import codec, fields, keys
from p2pchat.core.codec import Value
from p2pchat.core.ids import AccountId, DeviceId, LedgerEntryId
from p2pchat.core.ledger.details import EPOCH_SIZE, HASH_SIZE, MAX_SEQ, Details, details_value, read_details
from p2pchat.core.ledger.money import MAX_MINOR
from p2pchat.errors import DecodeError

VERSION: Final = 1
MAX_ENTRY_BYTES: Final = 600
MAX_SEEN: Final = 4
NONCE_SIZE: Final = 12
MAX_TIME_MS: Final = 253_402_300_800_000  # exclusive: the end of the year 9999, so that it is a date
PURPOSE: Final = "ledger entry"  # binds signatures and ids to this format
_FIELDS: Final = 16


class Kind(StrEnum):
    """What an entry does; the letter is what is signed."""

    CONCEDE = "C"  # I owe more, or you owe me less
    ACCEPT = "A"  # counts a concession to me; agrees to terms, a checkpoint or a closure
    VOID = "V"  # ends a concession to me, or refuses it
    PREIMAGE = "P"  # fulfils a hold
    REQUEST = "R"  # asks for a concession; binds nobody
    NOTE = "N"
    WITHDRAW = "W"  # takes a request back
    DISPUTE = "D"  # disagrees, visibly; declines a request
    LIMIT = "L"
    TERMS = "T"
    CHECKPOINT = "K"
    CLOSURE = "X"


# Which of ref, amount, lock, preimage, details, memo an entry of each kind must and may carry.
_MUST: Final[dict[str, frozenset[str]]] = {
    "C": frozenset({"amount"}),
    "A": frozenset({"ref"}),
    "V": frozenset({"ref"}),
    "P": frozenset({"ref", "preimage"}),
    "R": frozenset({"amount"}),
    "N": frozenset({"memo"}),
    "W": frozenset({"ref"}),
    "D": frozenset({"ref"}),
    "L": frozenset({"details"}),
    "T": frozenset({"details"}),
    "K": frozenset({"details"}),
    "X": frozenset({"details"}),
}
_MAY: Final[dict[str, frozenset[str]]] = {
    "C": frozenset({"ref", "lock", "details", "memo"}),
    "A": frozenset({"details"}),
    "V": frozenset({"memo"}),
    "P": frozenset(),
    "R": frozenset({"details", "memo"}),
    "N": frozenset({"ref"}),
    "W": frozenset({"memo"}),
    "D": frozenset({"memo"}),
    "L": frozenset(),
    "T": frozenset({"ref", "memo"}),
    "K": frozenset({"ref"}),
    "X": frozenset(),
}
_OPTIONAL: Final = ("ref", "amount", "lock", "preimage", "details", "memo")
_FITTING: Final = {  # for each kind, which of _OPTIONAL may be there together
    kind: frozenset(
        present
        for present in product((False, True), repeat=len(_OPTIONAL))
        if must <= (names := set(compress(_OPTIONAL, present))) <= must | _MAY[kind]
    )
    for kind, must in _MUST.items()
}
_KINDS: Final = {kind.value: kind for kind in Kind}
_known_account: Final = lru_cache(maxsize=256)(AccountId)
_known_device: Final = lru_cache(maxsize=256)(DeviceId)
_sha256: Final = hashlib.sha256
ID_HASHES: Final = [  # tagged_hash(PURPOSE, raw) up to raw, by its length
    _sha256(keys.hash_prefix(PURPOSE) + length.to_bytes(8, "big")) for length in range(MAX_ENTRY_BYTES + 1)
]
_as_entry_id: Final = bytes.__new__  # LedgerEntryId(...) without its check of the length


class Writer(NamedTuple):
    """One hash chain: a device and the epoch it writes in."""

    device: DeviceId
    epoch: bytes


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """One decoded entry. `created_ms` is the writer's clock: information, never a rule.

    A Struct, because opening a ledger of 100,000 entries makes as many of them.
    """

    account: AccountId
    device: DeviceId
    epoch: bytes
    seq: int
    prev: bytes  # the previous entry of this chain, or the account id at seq 1
    kind: Kind
    ref: LedgerEntryId | None
    amount: int | None
    lock: bytes | None  # SHA-256 of the preimage that fulfils the hold
    preimage: bytes | None
    seen: tuple[LedgerEntryId, ...]  # heads of the other side that the writer knew; L: the limits it replaces
    created_ms: int
    details: Details | None
    memo_hash: bytes | None
    nonce: bytes

    @property
    def writer(self) -> Writer:
        """The chain that the entry belongs to."""
        return Writer(self.device, self.epoch)


class SignedEntry(msgspec.Struct, frozen=True, gc=False, eq=False):
    """An entry with the bytes that are stored and sent. Made by `sign`, `verify`, `trust` or `add_stored`."""

    id: LedgerEntryId
    raw: bytes
    signature: bytes
    _entry: LedgerEntry | None = None

    @property
    def entry(self) -> LedgerEntry:
        """What it says: read from the bytes once somebody asks. Raises DecodeError if they say nothing."""
        entry = self._entry
        if entry is None:
            entry = _read(self.raw)
            msgspec.structs.force_setattr(self, "_entry", entry)
        return entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SignedEntry) and (self.raw, self.signature) == (other.raw, other.signature)

    def __hash__(self) -> int:
        return hash(self.id)


def sign(entry: LedgerEntry, key: keys.SigningKey) -> SignedEntry:
    """`entry` signed by the device that it names.

    Raises:
        DecodeError: the entry would be refused by `verify`, for instance because it is too long.
    """
    if key.public != entry.device:
        raise ValueError("the entry names another device")
    raw = encode(entry)
    decode(raw)
    identifier = entry_id(raw)
    return SignedEntry(identifier, raw, key.sign(PURPOSE, identifier), entry)


def verify(raw: bytes, signature: bytes) -> SignedEntry:
    """The entry in `raw`, after checking its form and that the device it names has signed it.

    Whether the device belongs to a person of the account is for `AccountState.add` to say.

    Raises:
        DecodeError: not an entry.
        ProtocolError: the signature is not the device's.
    """
    entry = decode(raw)
    identifier = entry_id(raw)
    keys.verify(entry.device, PURPOSE, identifier, signature)
    return SignedEntry(identifier, raw, signature, entry)


def trust(raw: bytes, signature: bytes) -> SignedEntry:
    """The entry in `raw`, which passed `verify` before this device stored it; its form is not checked again.

    The full check costs ten times as much. `audit.check_heads` finds out if the stored bytes were changed
    since.

    Raises:
        DecodeError: these bytes never were an entry.
    """
    return SignedEntry(entry_id(raw), raw, signature, _read(raw))


def entry_id(raw: bytes) -> LedgerEntryId:
    """The name of the entry whose bytes are `raw`: their tagged hash, in line, for opening is made of it."""
    if len(raw) > MAX_ENTRY_BYTES:
        raise DecodeError("too long for a ledger entry")
    hash = ID_HASHES[len(raw)].copy()
    hash.update(raw)
    return _as_entry_id(LedgerEntryId, hash.digest())


def _read(raw: bytes) -> LedgerEntry:
    """The entry in `raw`, which was checked before."""
    try:
        (
            _,
            account,
            device,
            epoch,
            seq,
            prev,
            kind,
            ref,
            amount,
            lock,
            preimage,
            seen,
            at,
            details,
            memo,
            nonce,
        ) = cbor2.loads(raw)
        return LedgerEntry(
            _known_account(account),
            _known_device(device),
            epoch,
            seq,
            prev,
            _KINDS[kind],
            ref and _as_entry_id(LedgerEntryId, ref),
            amount,
            lock,
            preimage,
            tuple([_as_entry_id(LedgerEntryId, head) for head in seen]) if seen else (),
            at,
            None if details is None else read_details(kind, details),
            memo,
            nonce,
        )
    except (cbor2.CBORError, ValueError, TypeError, KeyError) as error:
        raise DecodeError("not a ledger entry") from error


def encode(entry: LedgerEntry) -> bytes:
    """The canonical bytes of `entry`."""
    return codec.encode(
        [
            VERSION,
            bytes(entry.account),
            bytes(entry.device),
            entry.epoch,
            entry.seq,
            bytes(entry.prev),
            entry.kind.value,
            None if entry.ref is None else bytes(entry.ref),
            entry.amount,
            entry.lock,
            entry.preimage,
            [bytes(head) for head in entry.seen],
            entry.created_ms,
            details_value(entry.details),
            entry.memo_hash,
            entry.nonce,
        ]
    )


def decode(raw: bytes) -> LedgerEntry:
    """The entry whose one encoding is `raw`.

    Raises:
        DecodeError: too long, not canonical, a field of the wrong type or out of bounds, a field that
            the kind does not have, or one that it needs and that is missing.
    """
    (
        version,
        account,
        device,
        epoch,
        seq,
        prev,
        kind,
        ref,
        amount,
        lock,
        preimage,
        seen,
        created_ms,
        details,
        memo_hash,
        nonce,
    ) = fields.array(codec.decode(raw, limit=MAX_ENTRY_BYTES), _FIELDS)
    fields.integer(version, low=VERSION, high=VERSION + 1)
    if type(kind) is not str or kind not in _KINDS:
        raise DecodeError("unknown kind of ledger entry")
    optional = (ref, amount, lock, preimage, details, memo_hash)
    if tuple([value is not None for value in optional]) not in _FITTING[kind]:
        raise DecodeError(f"an entry of kind {kind} carries the wrong fields")
    heads = tuple([fields.identifier(head, LedgerEntryId) for head in fields.items(seen, most=MAX_SEEN)])
    return LedgerEntry(
        account=fields.identifier(account, AccountId),
        device=fields.identifier(device, DeviceId),
        epoch=fields.blob(epoch, least=EPOCH_SIZE, most=EPOCH_SIZE),
        seq=fields.integer(seq, low=1, high=MAX_SEQ),
        prev=fields.blob(prev, least=HASH_SIZE, most=HASH_SIZE),
        kind=_KINDS[kind],
        ref=None if ref is None else fields.identifier(ref, LedgerEntryId),
        amount=None if amount is None else fields.integer(amount, low=1, high=MAX_MINOR),
        lock=_hash_or_none(lock),
        preimage=_hash_or_none(preimage),
        seen=heads,
        created_ms=fields.integer(created_ms, high=MAX_TIME_MS),
        details=None if details is None else read_details(kind, details),
        memo_hash=_hash_or_none(memo_hash),
        nonce=fields.blob(nonce, least=NONCE_SIZE, most=NONCE_SIZE),
    )


def _hash_or_none(value: Value) -> bytes | None:
    return None if value is None else fields.blob(value, least=HASH_SIZE, most=HASH_SIZE)
