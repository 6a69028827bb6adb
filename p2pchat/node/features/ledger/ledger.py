"""What I sign in my accounts with contacts, and what a contact signs.

Ledger entries travel as contents of the pair's direct log, so they are ordered, sealed, kept and
delivered like every message. docs/protocol/ledger.md
"""

from __future__ import annotations

from collections.abc import Callable

from p2pchat.core import content
from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.ledger import actions
from p2pchat.core.ledger.concession import RequestStatus, Status
from p2pchat.core.ledger.details import Purpose, Reason
from p2pchat.core.ledger.money import Amount, parse_amount
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts, iou_terms
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.ledger.iou_terms import Terms
from p2pchat.node.features.ledger.ious import Line
from p2pchat.node.features.ledger.ledger_words import in_unit
from p2pchat.store import people
from p2pchat.store.transaction import Transaction

_REPAYMENT = Purpose(reason=Reason.REPAYMENT)


def pay(app: App, tx: Transaction, person: people.Person, amount: str | Amount, terms: Terms) -> Written:
    """I owe `amount`: a concession that counts once the other accepts. Raises UsageError."""
    return _enter(app, tx, person, actions.pay, iou_terms.state(amount, terms))


def request(app: App, tx: Transaction, person: people.Person, amount: str | Amount, terms: Terms) -> Written:
    """The other owes me `amount`, I say; it binds nobody until he signs. Raises UsageError."""
    return _enter(app, tx, person, actions.request, iou_terms.state(amount, terms))


def _enter(
    app: App, tx: Transaction, person: people.Person, act: Callable[..., Draft], stated: iou_terms.Stated
) -> Written:
    note, salt = accounts.salted(app, stated.note)
    memo = content.note_hash(note, salt)
    with accounts.opened(app, tx, person.id, stated.amount.unit) as state:
        draft = act(state, app.person, stated.amount, purpose=stated.purpose, memo_hash=memo)
        return accounts.write(app, tx, state, draft, note, salt)


def settle(app: App, tx: Transaction, person: people.Person, amount: str, note: str) -> Written:
    """I paid `amount` back, I say: a request for a receipt, which the creditor may sign.

    Raises:
        UsageError: I do not owe that much, or the amount is malformed.
    """
    parsed = parse_amount(amount)
    note, salt = accounts.salted(app, note)
    with accounts.opened(app, tx, person.id, parsed.unit) as state:
        owed = -state.owed_to(app.person)
        if parsed.minor > owed:
            stands = in_unit(owed, parsed.unit) if owed > 0 else f"nothing in {parsed.unit}"
            raise UsageError(f"you owe {person.petname} {stands}: that is the most that can be paid back")
        memo = content.note_hash(note, salt)
        draft = actions.request(state, app.person, parsed, purpose=_REPAYMENT, memo_hash=memo)
        return accounts.write(app, tx, state, draft, note, salt)


def receipt(app: App, tx: Transaction, person: people.Person, amount: str, note: str) -> Written:
    """I was paid back `amount`. It answers the open request for a receipt of that amount, if there is one.

    Raises:
        UsageError: the other does not owe me that much, or the amount is malformed.
    """
    parsed = parse_amount(amount)
    note, salt = accounts.salted(app, note)
    with accounts.opened(app, tx, person.id, parsed.unit) as state:
        asked = _wanted_receipts(app, state, parsed)
        draft = actions.receipt(
            state,
            app.person,
            parsed,
            request_id=min(asked, default=None),
            memo_hash=content.note_hash(note, salt),
        )
        return accounts.write(app, tx, state, draft, note, salt)


def accept(app: App, tx: Transaction, line: Line) -> Written:
    """Accept an IOU in my favour, or sign what a request asks of me. Raises UsageError."""
    _check_decidable(line)
    with accounts.opened(app, tx, line.person, line.unit) as state:
        if not line.is_request:
            draft = actions.accept(state, app.person, line.id)
        elif line.reason is Reason.REPAYMENT and not line.mine and line.open:
            amount = Amount(line.minor, line.unit)
            draft = actions.receipt(state, app.person, amount, request_id=line.id)
        else:
            draft = actions.answer(state, app.person, line.id)
        return accounts.write(app, tx, state, draft)


def reject(app: App, tx: Transaction, line: Line) -> Written:
    """Turn down an IOU or a request, withdraw my own request, or forgive a debt. Raises UsageError."""
    _check_decidable(line)
    with accounts.opened(app, tx, line.person, line.unit) as state:
        if line.is_request:
            draft = (actions.withdraw if line.mine else actions.decline)(state, app.person, line.id)
        elif line.status is Status.OFFERED:
            draft = actions.reject(state, app.person, line.id)
        else:
            draft = actions.void(state, app.person, line.id)
        return accounts.write(app, tx, state, draft)


def dispute(app: App, tx: Transaction, line: Line, note: str) -> Written:
    """Object to an IOU: seen by both and in every export, and it changes no balance. Raises UsageError."""
    note, salt = accounts.salted(app, note)
    with accounts.opened(app, tx, line.person, line.unit) as state:
        draft = actions.dispute(state, app.person, line.id, memo_hash=content.note_hash(note, salt))
        return accounts.write(app, tx, state, draft, note, salt)


def merge(app: App, tx: Transaction, one: Line, other: Line) -> list[Written]:
    """Both lines are about one event: what was conceded counts, and the request for it is over.

    The one who asked accepts the concession and withdraws his request; the one who conceded declines it.

    Raises:
        UsageError: they are not an open concession and an open request for the same person's benefit.
    """
    request, offer = (one, other) if one.is_request else (other, one)
    crossed = request.is_request and not offer.is_request and request.mine is not offer.mine
    if (
        not crossed
        or not (request.open and offer.open)
        or (request.person, request.unit)
        != (
            offer.person,
            offer.unit,
        )
    ):
        raise UsageError("the same thing twice is an open IOU of one side and an open request of the other")
    if offer.mine:
        return [reject(app, tx, request)]
    return [accept(app, tx, offer), reject(app, tx, request)]


def _check_decidable(line: Line) -> None:
    # To void a hold that others count on would be to pay for it.
    if line.lock is not None and line.status in (Status.OFFERED, Status.HELD):
        raise UsageError("this is a part of a circulation: see `p2pchat circle list`")


def _wanted_receipts(app: App, state: AccountState, amount: Amount) -> list[LedgerEntryId]:
    mine = state.account.seat(app.person)
    return [
        request.id
        for request in state.requests.values()
        if request.seat != mine
        and request.status is RequestStatus.REQUESTED
        and request.purpose.reason is Reason.REPAYMENT
        and request.amount == amount.minor
    ]
