"""An account as JSON that loses nothing: every entry with its signature and note, and readable figures.

Reading an archive checks each signature again, and that the readable figures are those of the signed
bytes: the file is refused if somebody edited it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from p2pchat.core.content import note_hash
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.ledger.account import Account, open_account
from p2pchat.core.ledger.entry import SignedEntry, verify
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.state import AccountState, fold
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError, ProtocolError, UsageError

FORMAT: Final = "p2pchat-ledger-archive-1"
MAX_ARCHIVE_BYTES: Final = 1 << 30


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    kind: str
    by: str
    amount: str
    created_ms: int
    raw: str
    signature: str
    note: str
    note_salt: str


class _Archive(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    persons: list[str]
    unit_kind: str
    unit_code: str
    unit_scale: int
    unit_issuer: str
    balance: str
    devices: dict[str, str]
    entries: list[_Row]


class Note(NamedTuple):
    """What an entry was for, in words, and the salt with which the entry names them by hash."""

    text: str
    salt: bytes


class Archive(msgspec.Struct, frozen=True):
    """What an archive holds: the account, its devices, the entries as they came in, their notes."""

    account: Account
    devices: dict[DeviceId, PersonId]
    entries: tuple[SignedEntry, ...]
    notes: dict[bytes, Note]


def archive(state: AccountState, devices: Mapping[DeviceId, PersonId], notes: Mapping[bytes, Note]) -> str:
    """All of `state` as JSON text; `notes` are by entry id."""
    entries = tuple(state.chains.entries.values())
    kept = {bytes(signed.id): notes[signed.id] for signed in entries if signed.id in notes}
    return _write(Archive(state.account, dict(devices), entries, kept), state.balance)


def read_archive(text: str) -> Archive:
    """What `text` holds; writing it again gives the same text.

    Raises:
        ProtocolError: it is no archive, a signature in it is bad, or somebody edited it.
    """
    if len(text) > MAX_ARCHIVE_BYTES:
        raise DecodeError("an archive of a ledger account is not that large")
    try:
        found = msgspec.json.decode(text, type=_Archive)
        unit = _unit(found)
        low, high = (PersonId.parse(person) for person in found.persons)
        account = open_account(low, high, unit)
        devices = {DeviceId.parse(device): PersonId.parse(person) for device, person in found.devices.items()}
        entries = tuple(
            verify(base64.b64decode(row.raw, validate=True), base64.b64decode(row.signature, validate=True))
            for row in found.entries
        )
        notes = {
            bytes(signed.id): Note(row.note, base64.b64decode(row.note_salt, validate=True))
            for signed, row in zip(entries, found.entries, strict=True)
            if row.note
        }
        state = fold(account, devices, entries)
    except (msgspec.DecodeError, ValueError, UsageError) as error:
        raise DecodeError("not an archive of a ledger account") from error
    result = Archive(account, devices, entries, notes)
    if len(state.chains.entries) != len(entries) or _write(result, state.balance) != text:
        raise ProtocolError("this archive was edited: its figures are not those that were signed")
    if any(note_hash(*note) != state.chains.entries[entry].entry.memo_hash for entry, note in notes.items()):
        raise ProtocolError("this archive was edited: a note is not the one that was signed")
    return result


def _write(kept: Archive, balance: int) -> str:
    account, unit = kept.account, kept.account.unit
    rows = [
        _Row(
            id=signed.id.text,
            kind=signed.entry.kind.value,
            by=kept.devices[signed.entry.device].text,
            amount="" if signed.entry.amount is None else plain_number(signed.entry.amount, unit),
            created_ms=signed.entry.created_ms,
            raw=_letters(signed.raw),
            signature=_letters(signed.signature),
            note=kept.notes[signed.id].text if signed.id in kept.notes else "",
            note_salt=_letters(kept.notes[signed.id].salt) if signed.id in kept.notes else "",
        )
        for signed in kept.entries
    ]
    whole = _Archive(
        format=FORMAT,
        persons=[account.low.text, account.high.text],
        unit_kind=unit.kind,
        unit_code=unit.code,
        unit_scale=unit.scale,
        unit_issuer="" if unit.issuer is None else unit.issuer.hex(),
        balance=plain_number(balance, unit),
        devices={device.text: person.text for device, person in sorted(kept.devices.items())},
        entries=rows,
    )
    return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode() + "\n"


def _unit(found: _Archive) -> Unit:
    if found.format != FORMAT:
        raise DecodeError("not an archive of a ledger account")
    issuer = bytes.fromhex(found.unit_issuer) or None
    return read_unit(unit_value(Unit(found.unit_kind, found.unit_code, found.unit_scale, issuer)))  # type: ignore[arg-type]  # read_unit checks


def _letters(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
