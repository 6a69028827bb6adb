"""What contacts send around circulations: orders, probes, invoices, swaps, and wishes to end them.

Everything here is a wish: what moves a debt are the holds themselves, and those only within limits.
"""

from __future__ import annotations

import logging
from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import circulation, offers, order, probe
from p2pchat.core.ledger.account import open_account
from p2pchat.core.ledger.circulation import Outcome, Role, Side
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.order import Order
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import ProtocolError, QuotaError
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import direct
from p2pchat.node.features.ledger import accounts, circulation_roles, passages
from p2pchat.node.features.ledger.passages import unit_bytes
from p2pchat.store import events, ledger, people
from p2pchat.store import passages as rows
from p2pchat.store.passages import StoredPassage
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

MAX_OPEN: Final = 32  # circulations at once that one contact may send through me
MAX_PROBES: Final = 60  # tokens of one contact in an hour
_HOUR_MS: Final = 3_600_000
_LONGEST_MS: Final = 30 * 24 * _HOUR_MS


def take_order(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """How a hold of this contact goes on. If I do not pass it on, its hold is voided as soon as it comes.

    Raises:
        ProtocolError: malformed.
        QuotaError: too many of this contact's are open.
    """
    told = order.decode(payload)
    if rows.get(tx, told.lock) is not None:
        return
    _check_room(tx, sender.person)
    onto = _next(app, tx, told, sender.person)
    passes = onto is not None and settings.get(tx).circulates and _in_time(app, told.deadline_ms)
    stored = _part(app, told, sender.person, onto if passes else None)
    rows.put(tx, stored)
    direct.move_circulation(app, tx, told.lock)


def take_probe(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A token that looks for a circle: pass it on to whom I owe, or begin to clear if it is mine.

    Raises:
        ProtocolError: malformed.
        QuotaError: too many within an hour.
    """
    found = probe.decode(payload)
    if not settings.get(tx).circulates:
        return
    if rows.count_probes(tx, sender.person, app.now_ms() - _HOUR_MS) >= MAX_PROBES:
        raise QuotaError("too many probes of one contact")
    owed = _owed_by(app, tx, sender.person, found.unit)
    known = rows.probe(tx, found.token)
    memory = probe.Memory(() if known is None else ((found.token, known[0]),))
    debts = circulation_roles.debts(app, tx, found.unit, but=sender.person)
    memory, onwards, circle = probe.receive(memory, found, sender.person, owed, debts)
    if known is None and memory.knows(found.token):
        rows.add_probe(tx, found.token, sender.person, app.now_ms(), most=probe.MAX_REMEMBERED)
    for person, outgoing in onwards:
        passages.tell(tx, person, Item(items.CIRCLE_PROBE, probe.encode(outgoing)))
    if circle is not None and circulation_roles.may_clear(tx):
        amount = Amount(circle.minor, found.unit)
        circulation_roles.begin(
            app,
            tx,
            "clear",
            Role.INITIATOR,
            incoming=(None, amount),
            outgoing=(circle.debtor, amount),
            token=circle.token,
        )


def take_cancel(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """Who conceded to me asks for the end. Raises ProtocolError if that is malformed."""
    lock = offers.decode_cancel(payload)
    stored = rows.get(tx, lock)
    if stored is None:  # this device was restored since
        for orphan in passages.adopt_orphans(app, tx, sender.person):
            direct.move_circulation(app, tx, orphan)
        return
    if stored.from_person == sender.person:
        circulation_roles.change(tx, stored, cancelled=True, agreed=True)
    direct.move_circulation(app, tx, lock)


def take_ask(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact wants to pay me through others: make an invoice, if I take part.

    Raises:
        ProtocolError: malformed.
        QuotaError: too many of this contact's are open.
    """
    wish = offers.decode_ask(payload)
    if not settings.get(tx).circulates:
        logger.info("%s asked for an invoice, but I take no part in circulations.", sender.id.short)
        return
    awaited = sum(one.role == Role.PAYEE and one.from_person is None for one in rows.unfinished(tx))
    if awaited >= MAX_OPEN:
        raise QuotaError("too many invoices are open")
    invoice = circulation_roles.await_payment(app, tx, wish.amount, "")
    passages.tell(tx, sender.person, Item(items.CIRCLE_INVOICE, offers.encode_answer(wish.id, invoice)))


def take_invoice(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """The invoice that I asked for: pay it. Raises ProtocolError if it is another one than I asked for."""
    id, invoice = offers.decode_answer(payload)
    ask = rows.take_ask(tx, id, sender.person)
    if ask is None:
        return  # answered before, or given up
    if (unit_bytes(invoice.unit), invoice.minor, invoice.route) != (ask.unit, ask.minor, ()):
        raise ProtocolError("an invoice over something else than was asked for")
    if rows.get(tx, invoice.lock) is None and _in_time(app, invoice.deadline_ms):
        circulation_roles.pay(app, tx, invoice, ask.route, ask.note)


def take_swap(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact offers one unit for another: a person has to decide.

    Raises:
        ProtocolError: malformed.
        QuotaError: too many of this contact's are open.
    """
    proposal = offers.decode_swap(payload)
    if rows.get(tx, proposal.lock) is not None:
        return
    _check_room(tx, sender.person)
    told = Order(proposal.lock, proposal.gives.unit, proposal.gives.minor, proposal.deadline_ms)
    part = _part(app, told, sender.person, sender.person)
    rows.put(tx, part)
    circulation_roles.change(
        tx,
        part,
        kind="swap",
        to_unit=unit_bytes(proposal.takes.unit),
        outgoing=proposal.takes.minor,
        agreed=False,
        onward=None,
    )
    known = people.person(tx, sender.person)
    data = {"id": proposal.lock.hex(), "who": known.petname if known else ""}
    events.record(tx, "circle.proposed", data, app.now_ms())


def _next(app: App, tx: Reader, told: Order, sender: PersonId) -> PersonId | None:
    """To whom it goes on; None if that is nobody I can concede to."""
    known = None if told.token is None else rows.probe(tx, told.token)
    memory = probe.Memory(() if known is None or told.token is None else ((told.token, known[0]),))
    onto = order.next_hop(told, memory)
    if onto is None or onto in (app.person, sender):
        return None
    person = people.person(tx, onto)
    return onto if person is not None and person.state == "accepted" and not person.changed else None


def _part(app: App, told: Order, sender: PersonId, onto: PersonId | None) -> StoredPassage:
    """Passing on what `sender` sends; to nobody, it is to be voided as soon as it comes."""
    unit = unit_bytes(told.unit)
    return StoredPassage(
        told.lock,
        "pass",
        (Role.PAYEE if onto is None else Role.INTERMEDIARY).value,
        sender,
        unit,
        told.minor,
        onto,
        None if onto is None else unit,
        0 if onto is None else told.minor,
        told.deadline_ms,
        None,
        told.token is not None,
        onto is None,
        True,
        False,
        None if onto is None else order.encode(order.onwards(told)),
        Outcome.OPEN.value,
        "",
        app.now_ms(),
    )


def _owed_by(app: App, tx: Reader, person: PersonId, unit: Unit) -> int:
    stored = ledger.account(tx, open_account(app.person, person, unit).id)
    if stored is None:
        return 0
    with accounts.known(app, tx, stored) as state:
        return circulation.clearable(Side(state, app.person))


def _check_room(tx: Reader, person: PersonId) -> None:
    if rows.count_from(tx, person) >= MAX_OPEN:
        raise QuotaError("too many circulations of one contact are open")


def _in_time(app: App, deadline_ms: int) -> bool:
    return app.now_ms() < deadline_ms < app.now_ms() + _LONGEST_MS
