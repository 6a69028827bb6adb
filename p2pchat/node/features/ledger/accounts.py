"""My accounts with contacts: opening one, writing into it, and telling what has moved."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from p2pchat.core.codec import decode, encode
from p2pchat.core.content import MAX_NOTE, SALT_SIZE, LedgerNote
from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger import recovery, writer
from p2pchat.core.ledger.account import Account, open_account
from p2pchat.core.ledger.details import EPOCH_SIZE
from p2pchat.core.ledger.entry import NONCE_SIZE, SignedEntry
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import ledger_devices, ledger_forks, ledger_words, recovering
from p2pchat.store import events, ledger, people
from p2pchat.store.transaction import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Written:
    """A ledger entry of mine that is stored, and how to say it in the pair's log."""

    id: LedgerEntryId
    said: LedgerNote
    shown: str
    about: LedgerEntryId  # the IOU or request that it makes or decides about


def opened(app: App, tx: Transaction, person: PersonId, unit: Unit) -> AbstractContextManager[AccountState]:
    """The account with `person` in `unit`, which begins now if there is none."""
    account = open_account(app.person, person, unit)
    if ledger.account(tx, account.id) is None:
        epoch = app.entropy(EPOCH_SIZE)
        _put_head(tx, account, person, writer.WriterHead.start(account.id, epoch))
    return app.accounts.state(tx, account, ledger_devices.owners(app, tx, person))


def known(app: App, tx: Reader, stored: ledger.StoredAccount) -> AbstractContextManager[AccountState]:
    """An account that has begun."""
    account = open_account(app.person, stored.person, read_unit(decode(stored.unit)))
    return app.accounts.state(tx, account, ledger_devices.owners(app, tx, stored.person))


def write(
    app: App, tx: Transaction, state: AccountState, draft: writer.Draft, note: str = "", salt: bytes = b""
) -> Written:
    """Sign `draft` at the end of my chain, and store it.

    Raises:
        NotAllowedError: it would bind me, and this device was restored and has not settled the account yet.
    """
    stored = ledger.account(tx, state.account.id)
    assert stored is not None
    if recovering.is_needed(app, tx, stored.person):
        recovery.check_allowed(recovery.Recovery(app.device, stored.epoch), state, draft)
    head = writer.WriterHead(stored.epoch, stored.seq, stored.prev, stored.written_ms)
    signed, head = writer.write(draft, head, app.key, now_ms=app.now_ms(), nonce=app.entropy(NONCE_SIZE))
    _put_head(tx, state.account, stored.person, head)
    app.remember(tx, signed.id)
    add(app, tx, state, stored.person, signed, note, salt)
    said = LedgerNote(signed.raw, signed.signature, unit_value(state.account.unit), note, salt)
    about = signed.id if signed.entry.amount is not None else signed.entry.ref or signed.id
    return Written(signed.id, said, ledger_words.of(state, signed, note), about)


def add(
    app: App,
    tx: Transaction,
    state: AccountState,
    person: PersonId,
    signed: SignedEntry,
    note: str,
    salt: bytes,
) -> list[LedgerEntryId]:
    """Take a checked entry into the account with `person`; gives the IOUs and requests that moved.

    Raises:
        ProtocolError: it does not belong there.
    """
    entry = ledger.StoredEntry(
        signed.id, state.account.id, signed.raw, signed.signature, note, salt, app.now_ms()
    )
    moved = app.accounts.add(tx, entry, signed)
    ledger_forks.notice(app, tx, state, person)
    _tell(app, tx, state, person, moved)
    return moved


def salted(app: App, note: str) -> tuple[str, bytes]:
    """`note` as it is kept, and the salt for its hash. Raises UsageError if it is too long."""
    cleaned = " ".join(note.split())
    if len(cleaned.encode()) > MAX_NOTE:
        raise UsageError(f"a note has at most {MAX_NOTE} bytes")
    return cleaned, app.entropy(SALT_SIZE) if cleaned else b""


def _put_head(tx: Transaction, account: Account, person: PersonId, head: writer.WriterHead) -> None:
    unit = encode(unit_value(account.unit))
    ledger.put_account(
        tx,
        ledger.StoredAccount(account.id, person, unit, head.epoch, head.seq, head.prev, head.created_ms),
    )


def _tell(
    app: App, tx: Transaction, state: AccountState, person: PersonId, moved: Iterable[LedgerEntryId]
) -> None:
    who = people.person(tx, person)
    for id in moved:
        item = state.concessions.get(id) or state.requests[id]
        data = {"id": id.text, "who": who.petname if who else "", "state": str(item.status)}
        events.record(tx, "iou.changed", data, app.now_ms())
