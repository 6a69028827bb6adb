"""Moving debts around several people at once: all of them, or none.

Everybody on the way concedes the same value to the next under one lock (SHA-256 of a preimage that
only the payee knows). When the payee reveals it, each in turn shows it to the one before. The last
hop may be the first person: then debts in a circle cancel out. Paying through friends, clearing a
cycle, handing on a claim (a cycle of three) and swapping two units (a cycle of two) are all this.

A hold ends only by an entry of the one it favours: V or P. There is no timeout that an intermediary
could lose money by, so holds can be frozen, but never lost; the deadline here is only the moment from
which one asks for a cancellation. After Offset's "backwards credit" (offset_docs, mutual credit
protocol) without its turn taking; state table in docs/protocol/ledger.md, section 7.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import actions, policy
from p2pchat.core.ledger.concession import Concession, Status
from p2pchat.core.ledger.details import Purpose, Reason
from p2pchat.core.ledger.entry import Kind
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import UsageError

# Of several concessions under one lock, the one that got furthest is the one to go on with.
_FURTHEST: Final = (Status.FULFILLED, Status.HELD, Status.OFFERED, Status.VOID)


class Role(StrEnum):
    """What this person does in a circulation."""

    PAYER = "payer"  # concedes first
    INTERMEDIARY = "intermediary"  # is conceded to, then concedes
    PAYEE = "payee"  # is conceded to last, and knows the preimage
    INITIATOR = "initiator"  # payer and payee of a cycle


class Outcome(StrEnum):
    """Where this person's part of a circulation stands."""

    OPEN = "open"
    DONE = "done"  # everything moved
    CANCELLED = "cancelled"  # nothing moved


class Passage(msgspec.Struct, frozen=True):
    """One person's part in one circulation: what comes in, what goes out, in smallest parts.

    `preimage` is known to payee and initiator from the start; others may learn it from anywhere.
    `clearing` allows nothing but the lowering of debts. `deadline_ms` is when to ask for the end.
    """

    role: Role
    lock: bytes
    incoming: int
    outgoing: int
    deadline_ms: int
    preimage: bytes | None = None
    clearing: bool = False
    cancelled: bool = False


class Side(NamedTuple):
    """An account that a passage goes through, as this person knows it."""

    state: AccountState
    me: PersonId


class Step(NamedTuple):
    """What to do now: entries to write (persist, then send), and whether to ask the next to cancel."""

    drafts: list[Draft]
    outcome: Outcome
    ask_cancellation: bool = False


def start(
    role: Role, preimage: bytes, *, incoming: int, outgoing: int, deadline_ms: int, clearing: bool = False
) -> Passage:
    """The passage of the one who draws the 32-byte `preimage`: the payee, or the initiator of a cycle."""
    return Passage(role, lock_of(preimage), incoming, outgoing, deadline_ms, preimage, clearing)


def lock_of(preimage: bytes) -> bytes:
    """The lock that `preimage` opens."""
    return hashlib.sha256(preimage).digest()


def cancel(passage: Passage) -> Passage:
    """The passage after somebody on it, or this person, asked to end it; a wish and not a right."""
    return msgspec.structs.replace(passage, cancelled=True)


def learn(passage: Passage, preimage: bytes) -> Passage:
    """The passage after a preimage turned up; one that does not open the lock changes nothing."""
    if lock_of(preimage) != passage.lock:
        return passage
    return msgspec.structs.replace(passage, preimage=preimage)


def step(passage: Passage, incoming: Side | None, outgoing: Side | None, now_ms: int) -> Step:
    """What this person's node does next; call it again whenever one of the accounts moved.

    Each call gives at most one entry. Written and repeated until it gives none, it reaches a standstill
    from any point at which a crash may have cut it off. `incoming` is None for a payee or initiator who
    does not know yet who will be the last to concede.
    """
    ending = passage.cancelled or now_ms > passage.deadline_ms
    came = None if incoming is None else _hold(incoming, passage.lock, passage.incoming, mine=False)
    went = None if outgoing is None else _hold(outgoing, passage.lock, passage.outgoing, mine=True)
    if passage.role is Role.PAYER:
        assert outgoing is not None
        return _pay(passage, outgoing, went, ending)
    if passage.role is Role.PAYEE:
        return _be_paid(passage, incoming, came, ending)
    assert outgoing is not None
    if passage.role is Role.INITIATOR:
        return _circle(passage, incoming, outgoing, came, went, ending)
    assert incoming is not None
    return _pass_on(passage, incoming, outgoing, came, went, ending)


def _pay(passage: Passage, outgoing: Side, went: Concession | None, ending: bool) -> Step:
    if went is None:
        return Step([], Outcome.CANCELLED) if ending else _concede(passage, outgoing)
    return Step([], _outcome(went), ask_cancellation=ending and _is_open(went))


def _be_paid(passage: Passage, incoming: Side | None, came: Concession | None, ending: bool) -> Step:
    if incoming is None or came is None:
        return Step([], Outcome.CANCELLED if ending else Outcome.OPEN)
    if came.status is Status.OFFERED:
        return _void(incoming, came) if ending else _accept(passage, incoming, came)
    if came.status is Status.HELD:
        return _void(incoming, came) if ending else _reveal(passage, incoming, came)
    return Step([], _outcome(came))


def _circle(
    passage: Passage,
    incoming: Side | None,
    outgoing: Side,
    came: Concession | None,
    went: Concession | None,
    ending: bool,
) -> Step:
    if went is None:
        may_start = not ending and _can_concede(passage, outgoing)
        return _concede(passage, outgoing) if may_start else Step([], Outcome.CANCELLED)
    if came is not None and _is_open(came):
        # Revealing makes what went out due: it must still stand, and nobody may have asked to stop.
        return _be_paid(passage, incoming, came, ending or went.status is Status.VOID)
    if came is not None and came.counts:
        return Step([], _outcome(went))
    return Step([], _outcome(went), ask_cancellation=_is_open(went) and (ending or came is not None))


def _pass_on(
    passage: Passage,
    incoming: Side,
    outgoing: Side,
    came: Concession | None,
    went: Concession | None,
    ending: bool,
) -> Step:
    if came is None:
        return Step([], Outcome.CANCELLED if ending else Outcome.OPEN)
    if not _is_open(came):
        return Step([], _outcome(came))
    if went is None:
        if ending or not _can_concede(passage, outgoing):
            return _void(incoming, came)
        return (
            _accept(passage, incoming, came) if came.status is Status.OFFERED else _concede(passage, outgoing)
        )
    if went.status is Status.VOID:
        return _void(incoming, came)
    preimage = went.preimage or passage.preimage
    if preimage is not None:
        return _reveal(learn(passage, preimage), incoming, came)
    return Step([], Outcome.OPEN, ask_cancellation=ending)


def _hold(side: Side, lock: bytes, minor: int, *, mine: bool) -> Concession | None:
    """The concession under `lock`; of several of one amount that which got furthest, then the smallest id."""
    seat = side.state.account.seat(side.me)
    found = [
        concession
        for concession in side.state.by_lock.get(lock, ())
        if (concession.seat == seat) is mine and concession.amount == minor
    ]
    return min(found, key=lambda hold: (_FURTHEST.index(hold.status), hold.id), default=None)


def _is_open(concession: Concession) -> bool:
    return concession.status in (Status.OFFERED, Status.HELD)


def _outcome(concession: Concession) -> Outcome:
    if concession.status is Status.VOID:
        return Outcome.CANCELLED
    return Outcome.DONE if concession.counts else Outcome.OPEN


def _concede(passage: Passage, side: Side) -> Step:
    amount = Amount(passage.outgoing, side.state.account.unit)
    purpose = Purpose(reason=Reason.TRANSFER)
    return Step([actions.pay(side.state, side.me, amount, purpose=purpose, lock=passage.lock)], Outcome.OPEN)


def _accept(passage: Passage, side: Side, came: Concession) -> Step:
    if policy.refusal(side.state, side.me, came) is not None or not _only_lowers(passage, side):
        return _void(side, came)
    return Step([actions.accept(side.state, side.me, came.id)], Outcome.OPEN)


def _reveal(passage: Passage, side: Side, came: Concession) -> Step:
    assert passage.preimage is not None
    if came.status is Status.OFFERED:
        return Step([Draft(side.state.account.id, Kind.ACCEPT, ref=came.id)], Outcome.OPEN)
    draft = Draft(
        side.state.account.id,
        Kind.PREIMAGE,
        ref=came.id,
        preimage=passage.preimage,
        seen=side.state.seen_by(side.me),
    )
    return Step([draft], Outcome.OPEN)


def _void(side: Side, came: Concession) -> Step:
    return Step([actions.void(side.state, side.me, came.id)], Outcome.OPEN)


def _can_concede(passage: Passage, side: Side) -> bool:
    try:
        _concede(passage, side)
    except UsageError:
        return False
    return not passage.clearing or clearable(side) >= passage.outgoing


def _only_lowers(passage: Passage, side: Side) -> bool:
    at_risk = side.state.owed_to(side.me) + side.state.held_for(side.me)
    return not passage.clearing or at_risk + passage.incoming <= 0


def clearable(side: Side) -> int:
    """How much of what the other owes me I can let go without owing: the debt less my open offers."""
    seat = side.state.account.seat(side.me)
    return max(0, side.state.owed_to(side.me) - side.state.held[seat] - side.state.offered[seat])
