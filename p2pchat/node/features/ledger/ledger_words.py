"""Ledger entries as lines of a chat."""

from __future__ import annotations

from typing import Final

from p2pchat.core.ledger.details import Limit, Purpose, Reason
from p2pchat.core.ledger.entry import Kind, LedgerEntry, SignedEntry
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import Unit

_WORDS: Final = {
    Kind.CONCEDE: "owes {amount}",
    Kind.ACCEPT: "accepted {amount}",
    Kind.VOID: "voided {amount}",
    Kind.REQUEST: "asks for {amount}",
    Kind.WITHDRAW: "withdrew the request for {amount}",
    Kind.DISPUTE: "declined {amount}",
}
_WORDS_OF_HOLDS: Final = {
    Kind.CONCEDE: "will owe {amount} if all in the circle sign",
    Kind.ACCEPT: "counts on {amount} if all in the circle sign",
    Kind.VOID: "let {amount} in a circle go",
    Kind.PREIMAGE: "closed the circle: {amount} moved",
}
_WORDS_OF_REPAYMENTS: Final = {
    Kind.CONCEDE: "was paid back {amount}",
    Kind.ACCEPT: "took the receipt for {amount}",
    Kind.VOID: "gave the receipt for {amount} back",
    Kind.REQUEST: "paid back {amount} and asks for a receipt",
    Kind.WITHDRAW: "no longer asks for a receipt for {amount}",
    Kind.DISPUTE: "was not paid back {amount}",
}


def of(state: AccountState, signed: SignedEntry, note: str) -> str:
    """What the entry says, behind the name of the one who signed it."""
    entry = signed.entry
    unit = state.account.unit
    target = None if entry.ref is None else state.find(entry.ref)
    about = entry if entry.amount is not None or target is None else target.entry
    if entry.kind is Kind.DISPUTE and about.kind is not Kind.REQUEST:
        said = f"disputes {in_unit(about.amount or 0, unit)}"
    elif isinstance(entry.details, Limit):
        said = f"lets the other owe up to {in_unit(entry.details.owed, unit)}"
    elif entry.kind is Kind.CHECKPOINT:
        said = "asks to confirm the balance"
    elif about.kind is Kind.CHECKPOINT:
        said = "confirmed the balance"
    elif entry.kind is Kind.CLOSURE:
        said = "lost a device, and asks to confirm what it had signed"
    elif about.kind is Kind.CLOSURE:
        said = "confirmed what the lost device had signed"
    else:
        words = _WORDS_OF_HOLDS if about.lock is not None else _words_of(about)
        said = words.get(entry.kind, "ledger entry").format(amount=in_unit(about.amount or 0, unit))
    return f"{said}: {note}" if note else said


def _words_of(entry: LedgerEntry) -> dict[Kind, str]:
    return _WORDS_OF_REPAYMENTS if reason_of(entry) is Reason.REPAYMENT else _WORDS


def reminder(minor: int, unit: Unit, due: str | None, note: str, *, i_owe: bool) -> str:
    """What a person writes who reminds the other of an IOU or a request."""
    who = "I still owe you" if i_owe else "please think of"
    when = f", due {due}" if due else ""
    return f"Reminder: {who} {in_unit(minor, unit)}{when}" + (f" ({note})" if note else "")


def reason_of(entry: LedgerEntry) -> Reason:
    """Why its amount is conceded or requested."""
    return entry.details.reason if isinstance(entry.details, Purpose) else Reason.IOU


def in_unit(minor: int, unit: Unit) -> str:
    """Such as 12.50 EUR."""
    return f"{plain_number(minor, unit)} {unit}"
