"""Opening a stored ledger: nearly every entry is read without decoding all of it.

Most entries of a long ledger are *plain*: a concession or request without a lock, or the acceptance of
one concession, each the next of its chain. One expression finds in the canonical bytes what the fold
needs of them; their other fields are decoded when somebody asks (`SignedEntry.entry`). Whatever is not
plain, or waits for something, is decoded and goes through `AccountState.add`. Both ways end in the same
state, and this one takes half as long.

The bytes were decoded strictly before they were stored, so there is one way to write each field. If they
were changed since, hashes and head signatures show it (`audit.check_heads`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from p2pchat.core import codec
from p2pchat.core.ids import DeviceId, LedgerEntryId
from p2pchat.core.ledger.account import Seat
from p2pchat.core.ledger.concession import Concession, Request, Status
from p2pchat.core.ledger.entry import ID_HASHES, MAX_ENTRY_BYTES, SignedEntry, trust
from p2pchat.core.ledger.state import AccountState

# The fields in their order, as canonical CBOR (RFC 8949, section 4.2.1). Numbers that are written so
# compare like their bytes. The longest come first: most numbers of a long ledger are not small.
_NUMBER: Final = rb"\x1b.{8}|\x1a.{4}|\x19..|\x18.|[\x00-\x17]"
_PLAIN: Final = re.compile(
    rb"(\x90\x01\x58\x20.{32}\x58\x20.{32}\x48.{8})"  # 16 fields of version 1; account, device, epoch
    rb"(" + _NUMBER + rb")\x58\x20(.{32})"  # seq, prev
    rb"\x61([ACR])"  # kind
    rb"(?:\xf6|\x58\x20(.{32}))(?:\xf6|(" + _NUMBER + rb"))"  # ref, amount
    rb"\xf6\xf6[\x80-\x84](?:\x58\x20.{32})*"  # neither lock nor preimage; seen
    rb"(" + _NUMBER + rb")(\xf6?)",  # created_ms; whether there are details
    re.DOTALL,
)
_ACCOUNT, _DEVICE, _EPOCH = slice(4, 36), slice(38, 70), slice(71, 79)  # within the first group
_OFFERED: Final = Status.OFFERED
_BINDING: Final = Status.BINDING


@dataclass(slots=True)
class _Pen:
    """Where a chain stands while plain entries are added to it."""

    device: DeviceId
    epoch: bytes
    seat: Seat
    seq: int
    created: bytes  # as CBOR
    end: SignedEntry
    id: bytes


def add_stored(state: AccountState, rows: Iterable[tuple[bytes, bytes]]) -> None:
    """Add entries (bytes, signature) that passed `verify` before they were stored, in any order.

    Raises:
        DecodeError: what was stored is no entry.
        ProtocolError: it does not belong into this account. `state` is of no use any more.
    """
    left = iter(rows)
    while (other := _add_plain(state, left)) is not None:
        state.add(trust(*other))


def _add_plain(state: AccountState, rows: Iterator[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """Add plain entries up to one that is not plain, and give that one back; None when all are added.

    One long loop, because it runs a hundred thousand times: what is a call here is a tenth of the whole.
    """
    pens: dict[bytes, _Pen] = {}
    entries, concessions, requests = state.chains.entries, state.concessions, state.requests
    offered, conceded, awaited = state.offered, state.conceded, state.awaited()
    hashes, new_id, from_bytes = ID_HASHES, bytes.__new__, int.from_bytes
    other: tuple[bytes, bytes] | None
    for other in rows:
        raw, signature = other
        found = _PLAIN.match(raw)
        if found is None or len(raw) > MAX_ENTRY_BYTES:
            break
        writer, at, prev, kind, ref, number, created, bare = found.groups()
        pen = pens.get(writer)
        if pen is None:
            if (pen := _pen(state, writer)) is None:
                break
            pens[writer] = pen
        seq = pen.seq + 1
        if prev != pen.id or from_bytes(at[1:] or at) != seq or created < pen.created:
            break  # not the next
        hash = hashes[len(raw)].copy()  # this is `entry_id`
        hash.update(raw)
        id = new_id(LedgerEntryId, hash.digest())
        if awaited and any(id in ids for ids in awaited):
            break
        seat = pen.seat
        signed = SignedEntry(id, raw, signature)
        if kind == b"A":
            offer = concessions.get(ref)
            if offer is None or offer.seat == seat or offer.status is not _OFFERED or offer.lock or not bare:
                break
            offer.accepted = True
            offer.status = _BINDING
            offered[offer.seat] -= offer.amount
            conceded[offer.seat] += offer.amount
        elif kind == b"R":
            requests[id] = Request(signed, seat)
        else:
            if ref is not None:
                request = requests.get(ref)
                if request is None or request.seat == seat:
                    break
                request.answers.append(id)
            amount = from_bytes(number[1:] or number)
            concessions[id] = Concession(signed, seat, amount)
            offered[seat] += amount
        entries[id] = pen.end = signed
        pen.id = id
        pen.seq = seq
        pen.created = created
    else:
        other = None
    for pen in pens.values():
        state.chains.prolong(pen.device, pen.epoch, pen.end)
    return other


def _pen(state: AccountState, writer: bytes) -> _Pen | None:
    """Where the chain of `writer` stands; None if that is no place to add plain entries to."""
    device, epoch = DeviceId(writer[_DEVICE]), writer[_EPOCH]
    end = state.chains.sole_end(device, epoch)
    if end is None or writer[_ACCOUNT] != state.account.id or state.is_closed(device, epoch):
        return None
    at = codec.encode(end.entry.created_ms)
    return _Pen(device, epoch, state.seat_of(end), end.entry.seq, at, end, end.id)
