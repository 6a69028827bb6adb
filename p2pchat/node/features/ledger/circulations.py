"""Circulations that I begin: paying through friends, clearing circles, handing on a claim, swapping units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import CirculationId, PersonId
from p2pchat.core.ledger import circulation, offers, order, probe
from p2pchat.core.ledger.circulation import Outcome, Role, Side
from p2pchat.core.ledger.money import parse_amount, parse_unit
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import direct
from p2pchat.node.features.ledger import accounts, circulation_roles, passages
from p2pchat.node.features.ledger.ledger_words import in_unit
from p2pchat.store import ledger, people
from p2pchat.store import passages as rows
from p2pchat.store.passages import StoredAsk, StoredPassage
from p2pchat.store.transaction import Reader, Transaction

_LEAST_PREFIX: Final = 4


def take_part(app: App, tx: Transaction, on: bool) -> None:
    """Whether my node passes on payments of friends and lets debts in circles cancel out."""
    settings.put(tx, msgspec.structs.replace(settings.get(tx), circulates=on))


def pay(
    app: App, tx: Transaction, payee: people.Person, amount: str, note: str, through: Sequence[PersonId]
) -> StoredAsk:
    """Pay `payee`, a contact, through friends: his node is asked for an invoice, and mine pays it.

    Raises:
        UsageError: the amount is malformed, or the way goes through somebody twice, or too many.
        NotAllowedError: the payee or the first on the way is no contact.
    """
    parsed = parse_amount(amount)
    _check_contact(payee)
    route = _route(app, tx, [*through, payee.id])
    ask = StoredAsk(
        app.entropy(offers.ASK_SIZE),
        payee.id,
        passages.unit_bytes(parsed.unit),
        parsed.minor,
        route,
        note,
        app.now_ms(),
    )
    rows.put_ask(tx, ask)
    wish = offers.encode_ask(offers.Ask(ask.id, parsed))
    passages.tell(tx, payee.id, Item(items.CIRCLE_ASK, wish))
    return ask


def invoice(app: App, tx: Transaction, amount: str, note: str) -> tuple[CirculationId, str]:
    """An invoice as text, for somebody who is no contact. Raises UsageError."""
    order_ = circulation_roles.await_payment(app, tx, parse_amount(amount), note)
    return CirculationId(order_.lock), offers.invoice_text(app.person, order_)


def pay_invoice(
    app: App, tx: Transaction, text: str, note: str, through: Sequence[PersonId]
) -> StoredPassage:
    """Pay the invoice in `text`, through friends of whom the last knows the payee.

    Raises:
        UsageError: it is damaged, my own, over, or was paid before; or the way goes wrong.
        NotAllowedError: the first on the way is no contact.
    """
    payee, wanted = offers.read_invoice(text)
    if payee == app.person:
        raise UsageError("this is your own invoice: give it to whoever is to pay it")
    if rows.get(tx, wanted.lock) is not None:
        raise UsageError("this invoice is being paid already, or it was")
    if wanted.deadline_ms <= app.now_ms():
        raise UsageError("this invoice is over: ask for a new one")
    return circulation_roles.pay(app, tx, wanted, _route(app, tx, [*through, payee]), note)


def clear(app: App, tx: Transaction, unit: str | None) -> list[Unit]:
    """Look for circles of debts; those that are found are cleared. Gives the units in which I owe.

    Raises:
        NotAllowedError: I do not take part.
        UsageError: I owe nothing (in this unit), so no circle goes through me.
    """
    if not settings.get(tx).circulates:
        raise NotAllowedError("you do not take part in circles: switch it on with `p2pchat circle on`")
    wanted = parse_unit(unit) if unit else None
    found = []
    for one in sorted({account_unit(stored) for stored in ledger.accounts(tx)}, key=str):
        debts = circulation_roles.debts(app, tx, one)
        if wanted in (None, one) and debts:
            found.append(one)
            token = app.entropy(probe.TOKEN_SIZE)
            memory, onwards = probe.start(probe.Memory(), token, one, debts)
            assert memory.knows(token)
            rows.add_probe(tx, token, None, app.now_ms(), most=probe.MAX_REMEMBERED)
            for person, outgoing in onwards:
                passages.tell(tx, person, Item(items.CIRCLE_PROBE, probe.encode(outgoing)))
    if not found:
        raise UsageError(
            f"you owe nobody anything{f' in {wanted}' if wanted else ''}: no circle goes through you"
        )
    return found


def assign(
    app: App, tx: Transaction, debtor: people.Person, amount: str, creditor: people.Person
) -> StoredPassage:
    """Hand what `debtor` owes me on to `creditor`: all three sign, or nothing changes.

    Raises:
        UsageError: the debtor does not owe me that much.
        NotAllowedError: one of the two is no contact.
    """
    parsed = parse_amount(amount)
    for person in (debtor, creditor):
        _check_contact(person)
    if debtor.id == creditor.id:
        raise UsageError("a claim is handed on to somebody else than the debtor")
    with accounts.opened(app, tx, debtor.id, parsed.unit) as state:
        room = circulation.clearable(Side(state, app.person))
    if parsed.minor > room:
        raise UsageError(f"{debtor.petname} owes you {in_unit(room, parsed.unit)}: no more can be handed on")
    return circulation_roles.begin(
        app,
        tx,
        "assign",
        Role.INITIATOR,
        incoming=(creditor.id, parsed),
        outgoing=(debtor.id, parsed),
        route=(creditor.id, app.person),
    )


def swap(app: App, tx: Transaction, person: people.Person, gives: str, takes: str) -> StoredPassage:
    """Offer `person`: I owe you `gives`, and you owe me `takes`, or neither; he has to agree.

    Raises:
        UsageError: an amount is malformed, or both are in one unit.
        NotAllowedError: the person is no contact.
    """
    mine, theirs = parse_amount(gives), parse_amount(takes)
    _check_contact(person)
    if mine.unit == theirs.unit:
        raise UsageError("a swap is between two units: within one, use pay or request")
    return circulation_roles.begin(
        app,
        tx,
        "swap",
        Role.INITIATOR,
        incoming=(person.id, theirs),
        outgoing=(person.id, mine),
        deadline_ms=app.now_ms() + circulation_roles.SWAP_MS,
    )


def agree(app: App, tx: Transaction, stored: StoredPassage) -> None:
    """Go along with a swap that was proposed to me. Raises UsageError if there is nothing to decide."""
    if stored.agreed or stored.outcome != Outcome.OPEN:
        raise UsageError("there is nothing to decide about this")
    circulation_roles.change(tx, stored, agreed=True)
    direct.move_circulation(app, tx, stored.lock)


def cancel(app: App, tx: Transaction, stored: StoredPassage) -> None:
    """Ask for the end of a circulation. What somebody else already counted on goes on.

    Raises:
        UsageError: it has ended already.
    """
    if stored.outcome != Outcome.OPEN:
        raise UsageError(f"this is {stored.outcome} already")
    circulation_roles.change(tx, stored, cancelled=True, agreed=True)
    direct.move_circulation(app, tx, stored.lock)


def find(tx: Reader, prefix: str) -> StoredPassage:
    """The circulation whose id begins with `prefix`. Raises NotFoundError if there is not exactly one."""
    wanted = prefix.strip().lower()
    found = [one for one in rows.every(tx) if CirculationId(one.lock).text.startswith(wanted)]
    if len(wanted) < _LEAST_PREFIX or len(found) != 1:
        raise NotFoundError(f"'{prefix}' is the beginning of {'several' if found else 'no'} circulation id")
    return found[0]


def account_unit(stored: ledger.StoredAccount) -> Unit:
    """What an account counts."""
    return circulation_roles.unit_of(stored.unit)


def _route(app: App, tx: Reader, route: Sequence[PersonId]) -> tuple[PersonId, ...]:
    first = people.person(tx, route[0])
    if first is None:
        raise NotAllowedError("the first on the way has to be a contact of yours: name one with --through")
    _check_contact(first)
    if app.person in route or len(set(route)) != len(route) or len(route) > order.MAX_ROUTE + 1:
        raise UsageError(f"a payment goes through at most {order.MAX_ROUTE} others, each of them once")
    return tuple(route)


def _check_contact(person: people.Person) -> None:
    if person.state != "accepted":
        raise NotAllowedError(f"{person.petname} is not a contact ({person.state})")
