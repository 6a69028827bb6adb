"""Deciding for a person: which offers to accept without asking, and what is the same lunch twice.

A limit is checked by the node of the one who takes the risk, when it accepts. It says nothing about
the net balance later on: if the other forgives a debt of mine, my claim may exceed my limit, and I
have lost nothing by it.
"""

from __future__ import annotations

from typing import Final

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger.concession import Concession, Request, RequestStatus
from p2pchat.core.ledger.details import MAX_TOTAL, Limit, Reason
from p2pchat.core.ledger.state import AccountState

SAME_WINDOW_MS: Final = 48 * 3600 * 1000  # two records of one lunch are made within two days
SAME_PERCENT: Final = 1
HOLD_SHARE: Final = 5  # by default a fifth of the limit may sit in holds


def limit(owed: int, *, held: int | None = None, automatic: int | None = None) -> Limit:
    """A limit of `owed` smallest parts; holds get a fifth of it, and what fits is accepted unasked.

    `automatic=0` means: always ask.
    """
    return Limit(owed, owed // HOLD_SHARE if held is None else held, owed if automatic is None else automatic)


def refusal(state: AccountState, me: PersonId, concession: Concession) -> str | None:
    """Why `me` should not accept `concession` now, as a sentence; None if it fits.

    What only lowers my debt always fits. Without a published limit everything else but a hold fits
    too: then each acceptance is a decision by hand.
    """
    if state.conceded[concession.seat] + concession.amount >= MAX_TOTAL:
        return "The totals of this account are full"
    if state.owed_to(me) + state.held_for(me) + concession.amount <= 0:
        return None
    in_force = state.limit_of(me)
    if in_force is None:
        return "Set a limit before accepting holds" if concession.lock is not None else None
    room = state.room_for(me)
    assert room is not None
    if concession.amount > room:
        return "This is more than your limit lets the other owe you"
    if concession.lock is not None and state.held_for(me) + concession.amount > in_force.held:
        return "This is more than your limit lets the other keep in holds"
    return None


def acceptable(state: AccountState, me: PersonId) -> list[Concession]:
    """The offers that the policy of `me` accepts without asking, in the order to accept them.

    Holds are left out: `circulation` decides about them. So are offers that look like a request of
    mine (`same_lunch`), which a person has to tell apart, and late answers to requests that I withdrew.
    The smallest come first, then by id, so that all devices of a person choose alike.
    """
    in_force = state.limit_of(me)
    room = state.room_for(me)
    if in_force is None or room is None:
        return []
    twins = {offer for offer, _request in same_lunch(state, me)}
    chosen = []
    for offer in sorted(state.offers_to(me), key=lambda offer: (offer.amount, offer.id)):
        fits = offer.amount <= min(room, in_force.automatic)
        if offer.lock is None and fits and offer.id not in twins and not _was_withdrawn(state, offer):
            chosen.append(offer)
            room -= offer.amount
    return chosen


def was_asked_for(state: AccountState, me: PersonId, offer: Concession) -> bool:
    """Whether `offer` is just what I asked for, so that accepting it leaves me nothing to decide.

    It is the first answer to a request of mine, of the same amount, and I have not taken the request back.
    Where I have published a limit, its figures are my word on what I am asked about, here too.
    """
    request = state.requests.get(offer.signed.entry.ref or b"")
    if request is None or request.withdrawn or request.answers != [offer.id] or offer.lock is not None:
        return False
    in_force = state.limit_of(me)
    fits = in_force is None or offer.amount <= in_force.automatic
    return fits and offer.amount == request.amount and refusal(state, me, offer) is None


def same_lunch(state: AccountState, me: PersonId) -> list[tuple[LedgerEntryId, LedgerEntryId]]:
    """Pairs (offer to me, my open request) that may record one event twice.

    Same unit, amounts within 1 %, made within 48 hours, and the offer does not answer a request. Ask
    the person; the answer "yes" is to accept the offer and to withdraw the request.
    """
    seat = state.account.seat(me)
    requests = [
        request
        for request in state.requests.values()
        if request.seat == seat and request.status is RequestStatus.REQUESTED
    ]
    offers = [offer for offer in state.offers_to(me) if offer.signed.entry.ref is None and offer.lock is None]
    return sorted(
        (offer.id, request.id) for offer in offers for request in requests if _look_alike(offer, request)
    )


def _was_withdrawn(state: AccountState, offer: Concession) -> bool:
    ref = offer.signed.entry.ref
    return ref is not None and ref in state.requests and state.requests[ref].withdrawn


def _look_alike(offer: Concession, request: Request) -> bool:
    if offer.purpose.reason is Reason.REPAYMENT or request.purpose.reason is Reason.REPAYMENT:
        return offer.purpose.reason is request.purpose.reason and offer.amount == request.amount
    apart_ms = abs(offer.signed.entry.created_ms - request.signed.entry.created_ms)
    difference = abs(offer.amount - request.amount)
    return apart_ms <= SAME_WINDOW_MS and 100 * difference <= SAME_PERCENT * max(offer.amount, request.amount)
