"""Writing one's own chain: where it stands, and how the next entry is made.

A device keeps one `WriterHead` per account, stores it in the same transaction as the entry, and a
copy outside the database (see `recovery`). It draws a new epoch of eight random bytes on a new
device, after a restore, and whenever the copy and the database disagree.
"""

from __future__ import annotations

import msgspec

from p2pchat.core.ids import AccountId, DeviceId, LedgerEntryId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ledger.details import Details
from p2pchat.core.ledger.entry import Kind, LedgerEntry, SignedEntry, sign


class WriterHead(msgspec.Struct, frozen=True):
    """The end of one's own chain: `prev` is the last entry's id, `seq` its number (0: none yet)."""

    epoch: bytes
    seq: int
    prev: bytes
    created_ms: int = 0

    @classmethod
    def start(cls, account: AccountId, epoch: bytes) -> WriterHead:
        """The head of a new chain; `epoch` is 8 bytes that were never used before."""
        return cls(epoch, 0, bytes(account))


class Draft(msgspec.Struct, frozen=True):
    """What an entry will say, before it has a place in a chain. Made by the functions of `actions`."""

    account: AccountId
    kind: Kind
    ref: LedgerEntryId | None = None
    amount: int | None = None
    lock: bytes | None = None
    preimage: bytes | None = None
    details: Details | None = None
    memo_hash: bytes | None = None
    seen: tuple[LedgerEntryId, ...] = ()


def write(
    draft: Draft, head: WriterHead, key: SigningKey, *, now_ms: int, nonce: bytes
) -> tuple[SignedEntry, WriterHead]:
    """The signed entry that says `draft` at the end of the chain, and the head after it.

    `nonce` is 12 fresh random bytes. Time never runs backwards within a chain: when the clock did, the
    previous entry's time is used. The new head must be durable before the entry leaves the device.
    """
    entry = LedgerEntry(
        account=draft.account,
        device=DeviceId(key.public),
        epoch=head.epoch,
        seq=head.seq + 1,
        prev=head.prev,
        kind=draft.kind,
        ref=draft.ref,
        amount=draft.amount,
        lock=draft.lock,
        preimage=draft.preimage,
        seen=draft.seen,
        created_ms=max(now_ms, head.created_ms),
        details=draft.details,
        memo_hash=draft.memo_hash,
        nonce=nonce,
    )
    signed = sign(entry, key)
    return signed, WriterHead(head.epoch, entry.seq, bytes(signed.id), entry.created_ms)
