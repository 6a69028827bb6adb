"""Ledger entries and where this device's chains stand. Balances are folds over the entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from p2pchat.core.ids import AccountId, LedgerEntryId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A signed ledger entry with the note it names."""

    id: LedgerEntryId
    account: AccountId
    raw: bytes
    signature: bytes
    note: str
    note_salt: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account with a person, and the end of this device's own chain in it."""

    id: AccountId
    person: PersonId
    unit: bytes  # canonical CBOR
    epoch: bytes
    seq: int
    prev: bytes
    written_ms: int


class Stamp(NamedTuple):
    """The newest entry of an account: where it is stored, and which one it is."""

    row: int
    id: LedgerEntryId


def accounts(tx: Reader, person: PersonId | None = None) -> list[StoredAccount]:
    """All accounts, or those with `person`."""
    where = "WHERE person = ?" if person else ""
    rows = tx.execute(
        f"SELECT * FROM ledger_account {where} ORDER BY person, id", (person,) if person else ()
    )
    return [_account(row) for row in rows]


def account(tx: Reader, id: AccountId) -> StoredAccount | None:
    """The account `id`, or None."""

    def load() -> StoredAccount | None:
        row = tx.one("SELECT * FROM ledger_account WHERE id = ?", (id,))
        return _account(row) if row else None

    return tx.remembered("ledger_account", id, load)


def put_account(tx: Transaction, account: StoredAccount) -> None:
    """Open an account, or move the end of this device's chain."""
    # Not OR REPLACE: it would delete the row and write the page of its index anew as well.
    tx.execute(
        """INSERT INTO ledger_account VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
           SET epoch = excluded.epoch, seq = excluded.seq, prev = excluded.prev,
               written_ms = excluded.written_ms""",
        (
            account.id,
            account.person,
            account.unit,
            account.epoch,
            account.seq,
            account.prev,
            account.written_ms,
        ),
    )


def add(tx: Transaction, entry: StoredEntry) -> Stamp | None:
    """Keep an entry; where it is now, or None if it was there already."""
    added = tx.one(
        "INSERT INTO ledger_entry VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING rowid",
        (
            entry.id,
            entry.account,
            entry.raw,
            entry.signature,
            entry.note,
            entry.note_salt,
            entry.received_ms,
        ),
    )
    return Stamp(added[0], entry.id) if added else None


def newest(tx: Reader, account: AccountId) -> Stamp | None:
    """The entry of an account that was stored last; None if there is none."""
    row = tx.one(
        "SELECT rowid, id FROM ledger_entry WHERE account = ? ORDER BY rowid DESC LIMIT 1", (account,)
    )
    return Stamp(row[0], LedgerEntryId(row[1])) if row else None


def entries(tx: Reader, account: AccountId, *, since: int = 0) -> list[StoredEntry]:
    """The entries of an account from row `since` on, in the order in which they were stored."""
    rows = tx.execute(
        "SELECT * FROM ledger_entry WHERE account = ? AND rowid >= ? ORDER BY rowid", (account, since)
    )
    return [_entry(row) for row in rows]


def signed(tx: Reader, account: AccountId) -> Iterator[tuple[bytes, bytes]]:
    """Bytes and signature of each entry of an account, in the order in which they were stored."""
    rows = tx.execute("SELECT raw, signature FROM ledger_entry WHERE account = ? ORDER BY rowid", (account,))
    return iter(rows)  # bare: an account may have a hundred thousand


def get(tx: Reader, id: LedgerEntryId) -> StoredEntry | None:
    """The entry `id`, or None."""
    row = tx.one("SELECT * FROM ledger_entry WHERE id = ?", (id,))
    return _entry(row) if row else None


def beginning_with(tx: Reader, prefix: bytes, *, limit: int) -> list[StoredEntry]:
    """At most `limit` entries whose id begins with the bytes of `prefix`."""
    rows = tx.execute(
        "SELECT * FROM ledger_entry WHERE id >= ? AND id < ? LIMIT ?",
        (prefix, prefix + b"\xff" * (33 - len(prefix)), limit),
    )
    return [_entry(row) for row in rows]


def notes(tx: Reader, account: AccountId) -> dict[bytes, tuple[str, bytes]]:
    """The notes of an account, each with its salt, by the entry that names them."""
    rows = tx.execute(
        "SELECT id, note, note_salt FROM ledger_entry WHERE account = ? AND note != ''", (account,)
    )
    return {id: (note, salt) for id, note, salt in rows}


def _account(row: Row) -> StoredAccount:
    return StoredAccount(AccountId(row[0]), PersonId(row[1]), *row[2:])


def _entry(row: Row) -> StoredEntry:
    return StoredEntry(LedgerEntryId(row[0]), AccountId(row[1]), *row[2:])
