"""Moving my part of a circulation on: whatever its state table says is signed, until nothing is left.

Called whenever something moved under a lock. All of a step happens in one transaction, so a crash
leaves it done or not begun, and calling it again changes nothing. docs/protocol/ledger.md, section 7
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace

from p2pchat.core.codec import decode, encode
from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import CirculationId, PersonId
from p2pchat.core.ledger import circulation, offers
from p2pchat.core.ledger.circulation import Outcome, Passage, Role, Side
from p2pchat.core.ledger.concession import Status
from p2pchat.core.ledger.entry import Kind
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.store import events, ledger, outbox, passages, people
from p2pchat.store.passages import StoredPassage
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)


def advance(
    app: App, tx: Transaction, lock: bytes, via: tuple[PersonId, Unit] | None = None
) -> list[tuple[PersonId, Written]]:
    """Sign what is due under `lock`, and say to whom it is to be sent.

    `via` is the account in which something moved: it tells a payee who was the last on the way.

    Raises:
        UsageError: an account may not be written in now; nothing was changed.
    """
    stored = passages.get(tx, lock)
    if stored is None or not stored.agreed:
        return []
    if via is not None and stored.from_person is None and stored.role != Role.PAYER:
        stored = _bind(app, tx, stored, *via)
    signed: list[tuple[PersonId, Written]] = []
    while True:
        step, written = _step(app, tx, stored)
        signed += written
        if not written:
            break
    if step.ask_cancellation and not stored.asked:
        tell(tx, stored.to_person, Item(items.CIRCLE_CANCEL, offers.encode_cancel(lock)))
        stored = replace(stored, asked=True)
    _settle(app, tx, stored, step.outcome)
    return signed


def tell(tx: Transaction, person: PersonId | None, item: Item) -> None:
    """Queue `item` for all devices of a person."""
    assert person is not None
    for device in people.devices(tx, person):
        outbox.put(tx, device.id, item)
        tx.effects.append(Wake(device.id))


def adopt_orphans(app: App, tx: Transaction, person: PersonId) -> list[bytes]:
    """Take up open holds with `person` that no passage is known for: what a lost device was about to do.

    What came in and has to go on, or back, must not be forgotten; a preimage that was learned is shown.
    Gives the locks.
    """
    orphans = []
    for stored in ledger.accounts(tx, person):
        with accounts.known(app, tx, stored) as state:
            locks = [
                hold.lock
                for hold in state.concessions.values()
                if hold.lock is not None and hold.status in (Status.OFFERED, Status.HELD)
            ]
        for lock in locks:
            if passages.get(tx, lock) is None:
                _adopt(app, tx, lock)
                orphans.append(lock)
    return orphans


def unfinished(tx: Reader) -> list[bytes]:
    """The locks of all that is open here."""
    return [stored.lock for stored in passages.unfinished(tx)]


def overdue(app: App, tx: Reader) -> list[bytes]:
    """The locks of those past their deadline whose end nobody was asked for yet."""
    return passages.overdue(tx, app.now_ms())


def _adopt(app: App, tx: Transaction, lock: bytes) -> None:
    came: tuple[PersonId, Unit, int] | None = None
    went: tuple[PersonId, Unit, int] | None = None
    for stored in ledger.accounts(tx):
        with accounts.known(app, tx, stored) as state:
            for hold in state.by_lock.get(lock, ()):
                side = (stored.person, state.account.unit, hold.amount)
                if hold.seat == state.account.seat(app.person):
                    went = side
                else:
                    came = side
    role = Role.PAYER if came is None else Role.PAYEE if went is None else Role.INTERMEDIARY
    logger.info("Taking up %s again, as %s.", CirculationId(lock).short, role)
    passages.put(
        tx,
        StoredPassage(
            lock,
            "pass",
            role.value,
            came[0] if came else None,
            unit_bytes(came[1]) if came else None,
            came[2] if came else 0,
            went[0] if went else None,
            unit_bytes(went[1]) if went else None,
            went[2] if went else 0,
            app.now_ms(),
            None,
            False,
            True,
            True,
            False,
            None,
            Outcome.OPEN.value,
            "",
            app.now_ms(),
        ),
    )


def unit_bytes(unit: Unit) -> bytes:
    """The unit as it is stored."""
    return encode(unit_value(unit))


def _bind(app: App, tx: Transaction, stored: StoredPassage, person: PersonId, unit: Unit) -> StoredPassage:
    with accounts.opened(app, tx, person, unit) as state:
        fits = any(
            hold.amount == stored.incoming and hold.seat != state.account.seat(app.person)
            for hold in state.by_lock.get(stored.lock, ())
        )
    if not fits or unit_bytes(unit) != stored.from_unit:
        return stored
    bound = replace(stored, from_person=person)
    passages.put(tx, bound)
    return bound


def _step(
    app: App, tx: Transaction, stored: StoredPassage
) -> tuple[circulation.Step, list[tuple[PersonId, Written]]]:
    with ExitStack() as open_accounts:

        def side(person: PersonId | None, unit: bytes | None) -> Side | None:
            if person is None or unit is None:
                return None
            state = open_accounts.enter_context(accounts.opened(app, tx, person, read_unit(decode(unit))))
            return Side(state, app.person)

        came = side(stored.from_person, stored.from_unit)
        went = side(stored.to_person, stored.to_unit)
        step = circulation.step(_passage(stored), came, went, app.now_ms())
        written = []
        for draft in step.drafts:
            state = _state_of(draft.account, came, went)
            if draft.kind is Kind.CONCEDE and stored.onward is not None:
                # Before the hold, so that the next one knows at once how it goes on.
                tell(tx, stored.to_person, Item(items.CIRCLE_ORDER, stored.onward))
            written.append((state.account.other(app.person), accounts.write(app, tx, state, draft)))
        return step, written


def _state_of(account: bytes, *sides: Side | None) -> AccountState:
    (found,) = [side.state for side in sides if side is not None and side.state.account.id == account]
    return found


def _passage(stored: StoredPassage) -> Passage:
    return Passage(
        Role(stored.role),
        stored.lock,
        stored.incoming,
        stored.outgoing,
        stored.deadline_ms,
        stored.preimage,
        stored.clearing,
        stored.cancelled,
    )


def _settle(app: App, tx: Transaction, stored: StoredPassage, outcome: Outcome) -> None:
    # What has ended stays so, even if this clock is turned back.
    ended = replace(stored, outcome=outcome.value, cancelled=stored.cancelled or outcome is Outcome.CANCELLED)
    if ended == passages.get(tx, stored.lock):
        return
    passages.put(tx, ended)
    data = {"id": CirculationId(stored.lock).text, "kind": stored.kind, "state": outcome.value}
    events.record(tx, "circle.changed", data, app.now_ms())
