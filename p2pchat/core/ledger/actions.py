"""What a person can do with an account: each function gives the draft of one entry, or says why not.

Every function takes the state as it is known and the person who acts. It checks what the state
forbids and raises `UsageError` with a sentence for that person; `writer.write` then signs the draft.
Nothing here is a rule that protects the other side: their node checks for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger import policy
from p2pchat.core.ledger.concession import Concession, Request, RequestStatus, Status
from p2pchat.core.ledger.details import (
    MAX_EXCEPTIONS,
    MAX_PREFIX,
    MAX_TOTAL,
    Limit,
    Prefix,
    Purpose,
    Reason,
)
from p2pchat.core.ledger.entry import MAX_SEEN, Kind
from p2pchat.core.ledger.money import MAX_MINOR, Amount
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import NotFoundError, UsageError

_PLAIN = Purpose()


def pay(
    state: AccountState,
    me: PersonId,
    amount: Amount,
    *,
    purpose: Purpose = _PLAIN,
    memo_hash: bytes | None = None,
    lock: bytes | None = None,
) -> Draft:
    """I owe `amount` more. I cannot take this back; it counts when the other accepts.

    `lock` makes it a hold that only the preimage of that SHA-256 turns into a debt.
    """
    _check_unit(state, amount)
    _check_total(state, me, amount.minor)
    return _draft(
        state, me, Kind.CONCEDE, amount=amount.minor, details=_stated(purpose), memo_hash=memo_hash, lock=lock
    )


def request(
    state: AccountState,
    me: PersonId,
    amount: Amount,
    *,
    purpose: Purpose = _PLAIN,
    memo_hash: bytes | None = None,
) -> Draft:
    """You owe me `amount`, I say. It binds nobody until the other answers with a concession."""
    _check_unit(state, amount)
    return _draft(state, me, Kind.REQUEST, amount=amount.minor, details=_stated(purpose), memo_hash=memo_hash)


def answer(
    state: AccountState, me: PersonId, request_id: LedgerEntryId, *, minor: int | None = None
) -> Draft:
    """I concede what the request asks for, or `minor` of it.

    Raises:
        UsageError: it is not an open request of the other, or `minor` is above it.
    """
    asked = _open_request(state, request_id)
    if asked.seat == state.account.seat(me):
        raise UsageError("This is your own request; the other side has to answer it")
    amount = asked.amount if minor is None else minor
    if not 0 < amount <= asked.amount:
        raise UsageError("An answer concedes something, and at most what was requested")
    _check_total(state, me, amount)
    purpose = _stated(asked.purpose)
    return _draft(state, me, Kind.CONCEDE, ref=request_id, amount=amount, details=purpose)


def decline(
    state: AccountState, me: PersonId, request_id: LedgerEntryId, *, memo_hash: bytes | None = None
) -> Draft:
    """I do not owe what the request says; the request stays visible as declined."""
    if _open_request(state, request_id).seat == state.account.seat(me):
        raise UsageError("This is your own request: withdraw it instead")
    return _draft(state, me, Kind.DISPUTE, ref=request_id, memo_hash=memo_hash)


def withdraw(
    state: AccountState, me: PersonId, request_id: LedgerEntryId, *, memo_hash: bytes | None = None
) -> Draft:
    """I take my request back."""
    if _open_request(state, request_id).seat != state.account.seat(me):
        raise UsageError("This is a request of the other side: decline it instead")
    return _draft(state, me, Kind.WITHDRAW, ref=request_id, memo_hash=memo_hash)


def accept(state: AccountState, me: PersonId, concession_id: LedgerEntryId) -> Draft:
    """I accept that the other owes me more, or that I am owed less.

    Raises:
        UsageError: it is not an offer to me, or it is more than my limit allows.
    """
    offer = _offer(state, me, concession_id)
    reason = policy.refusal(state, me, offer)
    if reason is not None:
        raise UsageError(reason)
    return _draft(state, me, Kind.ACCEPT, ref=concession_id)


def accept_all(state: AccountState, me: PersonId, offers: Sequence[Concession]) -> list[Draft]:
    """Accept `offers`, which together fit my limit, with one signature for each chain they are in.

    Offers of a chain that lie too far apart, or with too many others between them, get several.

    Raises:
        UsageError: one of them is no offer to me, or all of them are more than my limit allows.
    """
    for offer in offers:
        _offer(state, me, offer.id)
    _check_room(state, me, offers)
    by_seq = sorted(offers, key=lambda offer: (offer.signed.entry.writer, offer.signed.entry.seq))
    drafts = []
    while by_seq:
        covered, exceptions = _longest_prefix(state, by_seq)
        first, last = by_seq[0], by_seq[covered - 1]
        prefix = Prefix(first.signed.entry.seq, tuple(sorted(exceptions))) if covered > 1 else None
        drafts.append(_draft(state, me, Kind.ACCEPT, ref=last.id, details=prefix))
        by_seq = by_seq[covered:]
    return drafts


def reject(
    state: AccountState, me: PersonId, concession_id: LedgerEntryId, *, memo_hash: bytes | None = None
) -> Draft:
    """I refuse an offer to me, for good."""
    _offer(state, me, concession_id)
    return _draft(state, me, Kind.VOID, ref=concession_id, memo_hash=memo_hash)


def void(
    state: AccountState, me: PersonId, concession_id: LedgerEntryId, *, memo_hash: bytes | None = None
) -> Draft:
    """I give up what the concession gave me: forgive a debt, refund, or cancel a hold; for good."""
    concession = _in_my_favour(state, me, concession_id)
    if concession.status is Status.VOID:
        raise UsageError("This is void already")
    return _draft(state, me, Kind.VOID, ref=concession_id, memo_hash=memo_hash)


def dispute(
    state: AccountState, me: PersonId, entry_id: LedgerEntryId, *, memo_hash: bytes | None = None
) -> Draft:
    """I disagree with an entry; this stays visible in both exports and changes no balance."""
    if state.find(entry_id) is None:
        raise NotFoundError("There is no such entry in this account")
    return _draft(state, me, Kind.DISPUTE, ref=entry_id, memo_hash=memo_hash)


def receipt(
    state: AccountState,
    me: PersonId,
    amount: Amount,
    *,
    request_id: LedgerEntryId | None = None,
    memo_hash: bytes | None = None,
) -> Draft:
    """I was paid back `amount`: the other owes me that much less.

    Raises:
        UsageError: the other does not owe me that much.
    """
    _check_unit(state, amount)
    if amount.minor > state.owed_to(me):
        raise UsageError("The other does not owe you that much; a receipt covers a debt")
    if request_id is not None and _open_request(state, request_id).seat == state.account.seat(me):
        raise UsageError("A receipt answers a request of the other side")
    purpose = Purpose(reason=Reason.REPAYMENT)
    return _draft(
        state,
        me,
        Kind.CONCEDE,
        ref=request_id,
        amount=amount.minor,
        details=purpose,
        memo_hash=memo_hash,
    )


def set_limit(state: AccountState, me: PersonId, new: Limit) -> Draft:
    """From now on the other may owe me up to `new`; what I accepted before stays accepted.

    Raises:
        UsageError: a part of the limit is negative, or above the whole.
    """
    if not 0 <= new.owed < MAX_MINOR:
        raise UsageError("A limit is zero or more, and below 2**53 smallest parts")
    if not (0 <= new.held <= new.owed and 0 <= new.automatic <= new.owed):
        raise UsageError("The parts for holds and for automatic acceptance lie within the limit")
    replaced = state.current_limits(me)[:MAX_SEEN]
    return Draft(state.account.id, Kind.LIMIT, details=new, seen=tuple(sorted(replaced)))


def _draft(
    state: AccountState,
    me: PersonId,
    kind: Kind,
    *,
    ref: LedgerEntryId | None = None,
    amount: int | None = None,
    lock: bytes | None = None,
    details: Purpose | Prefix | Limit | None = None,
    memo_hash: bytes | None = None,
) -> Draft:
    return Draft(
        account=state.account.id,
        kind=kind,
        ref=ref,
        amount=amount,
        lock=lock,
        details=details,
        memo_hash=memo_hash,
        seen=state.seen_by(me),
    )


def _stated(purpose: Purpose) -> Purpose | None:
    return None if purpose == _PLAIN else purpose  # an ordinary IOU says nothing more


def _check_unit(state: AccountState, amount: Amount) -> None:
    if amount.unit != state.account.unit:
        raise UsageError(f"This account counts {state.account.unit}, not {amount.unit}")


def _check_total(state: AccountState, me: PersonId, minor: int) -> None:
    seat = state.account.seat(me)
    if state.conceded[seat] + state.held[seat] + state.offered[seat] + minor >= MAX_TOTAL:
        raise UsageError("The totals of this account are full")


def _check_room(state: AccountState, me: PersonId, offers: Sequence[Concession]) -> None:
    at_risk = state.owed_to(me) + state.held_for(me)
    added = sum(offer.amount for offer in offers)
    if not offers or at_risk + added <= 0:
        return
    in_force = state.limit_of(me)
    if in_force is not None and at_risk + added > in_force.owed:
        raise UsageError("Together this is more than your limit lets the other owe you")
    holds = sum(offer.amount for offer in offers if offer.lock is not None)
    if holds and in_force is None:
        raise UsageError("Set a limit before accepting holds")
    if holds and in_force is not None and state.held_for(me) + holds > in_force.held:
        raise UsageError("Together this is more than your limit lets the other keep in holds")


def _offer(state: AccountState, me: PersonId, concession_id: LedgerEntryId) -> Concession:
    offer = _in_my_favour(state, me, concession_id)
    if offer.status is not Status.OFFERED:
        raise UsageError(f"This is {offer.status} already")
    return offer


def _in_my_favour(state: AccountState, me: PersonId, concession_id: LedgerEntryId) -> Concession:
    concession = state.concessions.get(concession_id)
    if concession is None:
        raise NotFoundError("There is no such concession in this account")
    if concession.seat == state.account.seat(me):
        raise UsageError("You signed this yourself: only the other side can accept or void it")
    return concession


def _open_request(state: AccountState, request_id: LedgerEntryId) -> Request:
    found = state.requests.get(request_id)
    if found is None:
        raise NotFoundError("There is no such request in this account")
    if found.status is not RequestStatus.REQUESTED:
        raise UsageError(f"This request is {found.status} already")
    return found


def _longest_prefix(state: AccountState, offers: Sequence[Concession]) -> tuple[int, list[LedgerEntryId]]:
    """How many of `offers` one acceptance can cover, and which others between them it must leave out."""
    first = offers[0].signed.entry
    near = [
        offer
        for offer in offers
        if offer.signed.entry.writer == first.writer and offer.signed.entry.seq - first.seq < MAX_PREFIX
    ]
    chain = [s for s in islice(state.chains.ancestors(near[-1].id), MAX_PREFIX) if s.entry.seq >= first.seq]
    if chain[-1].id != offers[0].id:
        return 1, []  # two branches of a forked chain
    wanted = [offer.id for offer in near]
    covered, left_out = 1, 0
    exceptions: list[LedgerEntryId] = []
    for signed in reversed(chain[:-1]):
        if signed.id == wanted[min(covered, len(wanted) - 1)]:
            covered, left_out = covered + 1, len(exceptions)
        elif signed.id in wanted:
            break  # a forked chain: the branches are accepted one by one
        elif signed.entry.kind is Kind.CONCEDE and not _is_settled(state, signed.id):
            exceptions.append(signed.id)
            if len(exceptions) > MAX_EXCEPTIONS:
                break
    return covered, exceptions[:left_out]


def _is_settled(state: AccountState, concession_id: LedgerEntryId) -> bool:
    concession = state.concessions.get(concession_id)
    return concession is not None and concession.status is not Status.OFFERED
