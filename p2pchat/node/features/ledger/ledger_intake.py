"""A contact's ledger entry: checked, stored, put into words, and answered where no person has to decide."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from p2pchat.core import content
from p2pchat.core.content import LedgerNote
from p2pchat.core.ids import ConversationId, LedgerEntryId, PersonId
from p2pchat.core.ledger import actions, agreements, policy
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.concession import Concession, Status
from p2pchat.core.ledger.details import Reason
from p2pchat.core.ledger.entry import Kind, verify
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import Unit, read_unit
from p2pchat.errors import ProtocolError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts, ledger_words
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.store import logs, people
from p2pchat.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry that was stored: the words for the chat, and what it offers me or asks me to confirm."""

    words: str
    unit: Unit
    offers: list[LedgerEntryId]
    checkpoint: LedgerEntryId | None = None
    closure: LedgerEntryId | None = None
    locks: frozenset[bytes] = frozenset()


def take(
    app: App, tx: Transaction, conversation: ConversationId, author: PersonId, said: LedgerNote
) -> Taken:
    """An entry that somebody else's device has signed, or a device that I have lost.

    Raises:
        ProtocolError: not in the chat of its two persons, malformed, badly signed, of another account, by
            a device of somebody else than `author`, or with a note that is not the one it names.
    """
    chat = logs.conversation(tx, conversation)
    if chat is None or chat.person is None or author not in (chat.person, app.person):
        raise ProtocolError("a ledger entry outside of the chat of its two persons")
    signed = verify(said.raw, said.signature)
    if content.note_hash(said.note, said.note_salt) != signed.entry.memo_hash:
        raise ProtocolError("the note of a ledger entry is not the one it names")
    unit = read_unit(said.unit)
    if signed.entry.account != open_account(app.person, chat.person, unit).id:
        raise ProtocolError("a ledger entry of another account")
    device = people.device(tx, signed.entry.device)
    if device is None or device.person != author:
        raise ProtocolError("a ledger entry by a device of somebody else")
    with accounts.opened(app, tx, chat.person, unit) as state:
        moved = accounts.add(app, tx, state, chat.person, signed, said.note, said.note_salt)
        offers = [id for id in moved if _is_offer(app, state, id)]
        words = ledger_words.of(state, signed, said.note)
        asked = None if author == app.person else signed.entry.kind
        return Taken(
            words,
            unit,
            offers,
            signed.id if asked is Kind.CHECKPOINT else None,
            signed.id if asked is Kind.CLOSURE else None,
            frozenset(hold.lock for id in moved if (hold := state.concessions.get(id)) and hold.lock),
        )


def sign_unasked(app: App, tx: Transaction, person: PersonId, taken: Taken) -> list[Written]:
    """Sign what has just come and leaves no person anything to decide.

    These are offers within my limit, answers to what I asked for, receipts that only lower my debt, and a
    sum that is that of my books.
    """
    written = []
    with accounts.opened(app, tx, person, taken.unit) as state:
        for id in taken.offers:
            offer = state.concessions[id]
            if (
                _settles(app, state, offer)
                or policy.was_asked_for(state, app.person, offer)
                or _is_within_limit(app, state, offer)
            ):
                written.append(accounts.write(app, tx, state, actions.accept(state, app.person, id)))
        if taken.checkpoint is not None:
            with suppress(UsageError):  # we do not know the same entries: he will ask again
                draft = agreements.agree(state, app.person, taken.checkpoint)
                written.append(accounts.write(app, tx, state, draft))
    return written


def _is_offer(app: App, state: AccountState, id: LedgerEntryId) -> bool:
    offer = state.concessions.get(id)
    mine = state.account.seat(app.person)
    return offer is not None and offer.seat != mine and offer.status is Status.OFFERED


def _settles(app: App, state: AccountState, offer: Concession) -> bool:
    """Whether it is the creditor's receipt: it only lowers what I owe, so there is nothing to decide."""
    if offer.purpose.reason is not Reason.REPAYMENT or offer.lock is not None:
        return False
    if state.owed_to(app.person) + state.held_for(app.person) + offer.amount > 0:
        return False
    return all(offer.id != twin for twin, _request in policy.same_lunch(state, app.person))


def _is_within_limit(app: App, state: AccountState, offer: Concession) -> bool:
    limit = state.limit_of(app.person)
    if limit is None or offer.amount > limit.automatic:
        return False
    return offer in policy.acceptable(state, app.person)
