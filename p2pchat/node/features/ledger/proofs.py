"""Accounts for others: statements that prove something, and books for other programs.

A statement needs the other side's signature under the same balance, so my node proposes a checkpoint,
and the other's confirms it if its own books say the same. Until then a history is all there is: each
entry is proven by itself, and nobody has signed the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from p2pchat.core.codec import decode
from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger import agreements, statement
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.books import archive, beancount, hledger, page, register, table
from p2pchat.core.ledger.books.register import Register
from p2pchat.core.ledger.details import Checkpoint
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import read_unit
from p2pchat.core.ledger.verify import verify_bundle
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts, ledger_devices
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.ledger.ious import Line
from p2pchat.node.features.people.names import name_of
from p2pchat.store import ledger, people
from p2pchat.store.transaction import Reader, Transaction

Format: TypeAlias = Literal["hledger", "beancount", "csv", "json", "html"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The bytes of a bundle; whether both signed its sum; and a proposal to be sent so that both will."""

    data: bytes
    countersigned: bool
    proposal: Written | None


@dataclass(frozen=True, slots=True)
class Book:
    """One account in the language of another program."""

    person: PersonId
    unit: str
    text: str


def prove(
    app: App, tx: Transaction, person: people.Person, unit: str | None, challenge: bytes | None = None
) -> Proof:
    """A statement of what stands between `person` and me, or the history and a proposal for a statement.

    A reader's `challenge` inside shows that it is not older than the challenge.

    Raises:
        NotFoundError: there is no such account.
        UsageError: there are several, in different units.
    """
    stored = _account(tx, person, unit)
    with accounts.known(app, tx, stored) as state:
        certificates = ledger_devices.certificates(app, tx, person.id)
        agreed = _agreed(state, challenge)
        if agreed is not None:
            return Proof(statement.statement(state, certificates, agreed), True, None)
        proposal = None
        if not _is_proposed(app, state, challenge):
            draft = agreements.propose_checkpoint(state, app.person, challenge=challenge)
            proposal = accounts.write(app, tx, state, draft)
        return Proof(statement.history(state, certificates), False, proposal)


def receipt(app: App, tx: Reader, line: Line) -> bytes:
    """Proof of one IOU: that it was conceded, and whether it was accepted.

    Raises:
        UsageError: it is a request, or void.
    """
    stored = ledger.account(tx, open_account(app.person, line.person, line.unit).id)
    assert stored is not None
    with accounts.known(app, tx, stored) as state:
        if line.is_request:
            raise UsageError("a request binds nobody, so there is nothing to prove")
        return statement.receipt(state, ledger_devices.certificates(app, tx, line.person), line.id)


def books(app: App, tx: Reader, person: people.Person | None, unit: str | None, format: Format) -> list[Book]:
    """My accounts (with `person`, in `unit`), each as a text of its own.

    Raises:
        NotFoundError: there is no such account.
    """
    found = _accounts(tx, person, unit)
    return [Book(one.person, _unit(one), _book(app, tx, one, format)) for one in found]


def _accounts(tx: Reader, person: people.Person | None, unit: str | None) -> list[ledger.StoredAccount]:
    found = [one for one in ledger.accounts(tx, person.id if person else None) if unit in (None, _unit(one))]
    if not found:
        raise NotFoundError("there is no such account")
    return found


def _book(app: App, tx: Reader, stored: ledger.StoredAccount, format: Format) -> str:
    with accounts.known(app, tx, stored) as state:
        if format == "json":
            owners = ledger_devices.owners(app, tx, stored.person)
            salted = {id: archive.Note(*note) for id, note in ledger.notes(tx, stored.id).items()}
            return archive.archive(state, owners, salted)
        listed = _register(app, tx, state, stored)
        if format != "html":
            return _WRITERS[format](listed)
        if len(state.chains.entries) > _MOST_PROVEN:
            return page.page(listed)
        report = verify_bundle(statement.history(state, ledger_devices.certificates(app, tx, stored.person)))
        return page.page(listed, proven=report.proven, not_proven=report.not_proven)


def registers(app: App, tx: Reader, person: people.Person | None, unit: str | None) -> list[Register]:
    """My accounts (with `person`, in `unit`) line by line. Raises NotFoundError if there is none."""
    found = []
    for stored in _accounts(tx, person, unit):
        with accounts.known(app, tx, stored) as state:
            found.append(_register(app, tx, state, stored))
    return found


def _register(app: App, tx: Reader, state: AccountState, stored: ledger.StoredAccount) -> Register:
    texts = {id: text for id, (text, _salt) in ledger.notes(tx, stored.id).items()}
    return register.register(state, app.person, name_of(app, tx, stored.person), texts)


_MOST_PROVEN: Final = 10_000  # entries whose signatures are all checked for a page; a second or two
_WRITERS: Final[dict[Format, Callable[[register.Register], str]]] = {
    "hledger": hledger.journal,
    "beancount": beancount.ledger,
    "csv": table.table,
}


def _account(tx: Reader, person: people.Person, unit: str | None) -> ledger.StoredAccount:
    found = [one for one in ledger.accounts(tx, person.id) if unit in (None, _unit(one))]
    if not found:
        raise NotFoundError(f"there is no account with {person.petname}" + (f" in {unit}" if unit else ""))
    if len(found) > 1:
        units = ", ".join(sorted(_unit(one) for one in found))
        raise UsageError(f"you have accounts with {person.petname} in {units}: name one with --unit")
    return found[0]


def _unit(stored: ledger.StoredAccount) -> str:
    return read_unit(decode(stored.unit)).code


def _agreed(state: AccountState, challenge: bytes | None) -> LedgerEntryId | None:
    """The newest checkpoint (with this challenge) that both signed, if it still gives the totals."""
    for id, claimed in reversed(_checkpoints(state)):
        if id in state.agreed and challenge in (None, claimed.challenge):
            is_current = (claimed.conceded, claimed.held) == (tuple(state.conceded), tuple(state.held))
            return id if is_current else None
    return None


def _is_proposed(app: App, state: AccountState, challenge: bytes | None) -> bool:
    """Whether a checkpoint of mine waits for the other side, and nothing has come since."""
    newest = next(reversed(state.chains.entries.values()), None)
    return (
        newest is not None
        and isinstance(newest.entry.details, Checkpoint)
        and challenge in (None, newest.entry.details.challenge)
        and state.seat_of(newest) == state.account.seat(app.person)
    )


def _checkpoints(state: AccountState) -> list[tuple[LedgerEntryId, Checkpoint]]:
    return [
        (signed.id, signed.entry.details)
        for signed in state.chains.entries.values()
        if isinstance(signed.entry.details, Checkpoint)
    ]
