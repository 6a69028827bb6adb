"""My part in a circulation (payer, payee, initiator, in between), written down before anything moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from p2pchat.core.codec import decode
from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import circulation, offers, order
from p2pchat.core.ledger.circulation import Outcome, Role, Side
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.order import Order
from p2pchat.core.ledger.units import Unit, read_unit
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import direct
from p2pchat.node.features.ledger import accounts, passages
from p2pchat.store import ledger, people
from p2pchat.store import passages as rows
from p2pchat.store.passages import StoredPassage
from p2pchat.store.transaction import Reader, Transaction

DEADLINE_MS: Final = 24 * 3_600_000  # from then on one asks for the end; friends' phones sleep at night
SWAP_MS: Final = 7 * 24 * 3_600_000  # a person has to decide
MAX_CLEARINGS: Final = 8  # that I start at once
PREIMAGE_SIZE: Final = 32


def begin(
    app: App,
    tx: Transaction,
    kind: str,
    role: Role,
    *,
    incoming: tuple[PersonId | None, Amount] | None = None,
    outgoing: tuple[PersonId, Amount] | None = None,
    route: tuple[PersonId, ...] = (),
    token: bytes | None = None,
    invoice: Order | None = None,
    deadline_ms: int | None = None,
    note: str = "",
) -> StoredPassage:
    """Begin with my own part. A payer has the payee's `invoice`; payee and initiator draw the preimage.

    `route` are the people behind the one I concede to, as he is told; a clearing has a `token`, and a
    route only where it was not found by a probe.
    """
    deadline = invoice.deadline_ms if invoice else deadline_ms or app.now_ms() + DEADLINE_MS
    preimage = None if invoice else app.entropy(PREIMAGE_SIZE)
    lock = invoice.lock if invoice else circulation.lock_of(preimage or b"")
    onward = None
    if outgoing is not None and kind != "swap":
        unit, minor = outgoing[1].unit, outgoing[1].minor
        told = Order(lock, unit, minor, deadline, token=token)
        onward = order.encode(order.send_along(told, route))
    stored = StoredPassage(
        lock,
        kind,
        role.value,
        incoming[0] if incoming else None,
        passages.unit_bytes(incoming[1].unit) if incoming else None,
        incoming[1].minor if incoming else 0,
        outgoing[0] if outgoing else None,
        passages.unit_bytes(outgoing[1].unit) if outgoing else None,
        outgoing[1].minor if outgoing else 0,
        deadline,
        preimage,
        token is not None,
        False,
        True,
        False,
        onward,
        Outcome.OPEN.value,
        note,
        app.now_ms(),
    )
    rows.put(tx, stored)
    if kind == "swap" and incoming is not None and outgoing is not None:
        proposal = offers.Swap(lock, outgoing[1], incoming[1], deadline)
        passages.tell(tx, outgoing[0], Item(items.CIRCLE_SWAP, offers.encode_swap(proposal)))
    direct.move_circulation(app, tx, lock)
    return rows.get(tx, lock) or stored


def pay(app: App, tx: Transaction, invoice: Order, route: tuple[PersonId, ...], note: str) -> StoredPassage:
    """Pay `invoice` to the last of `route` through the others."""
    amount = Amount(invoice.minor, invoice.unit)
    outgoing = (route[0], amount)
    return begin(app, tx, "pay", Role.PAYER, outgoing=outgoing, route=route[1:], invoice=invoice, note=note)


def await_payment(app: App, tx: Transaction, amount: Amount, note: str) -> Order:
    """An invoice over `amount`, which may come from whomever."""
    stored = begin(app, tx, "pay", Role.PAYEE, incoming=(None, amount), note=note)
    return Order(stored.lock, amount.unit, amount.minor, stored.deadline_ms)


def change(tx: Transaction, stored: StoredPassage, **fields: Any) -> None:
    """Keep `stored` with some of its fields changed."""
    rows.put(tx, replace(stored, **fields))


def debts(app: App, tx: Reader, unit: Unit, *, but: PersonId | None = None) -> dict[PersonId, int]:
    """What I owe to contacts in `unit`, as far as they could let go of it now."""
    owed = {}
    for stored in ledger.accounts(tx):
        if stored.person != but and unit_of(stored.unit) == unit and _is_contact(tx, stored.person):
            with accounts.known(app, tx, stored) as state:
                owed[stored.person] = circulation.clearable(Side(state, stored.person))
    return {person: minor for person, minor in owed.items() if minor > 0}


def unit_of(raw: bytes) -> Unit:
    """The unit in its stored form."""
    return read_unit(decode(raw))


def may_clear(tx: Reader) -> bool:
    """Whether one more clearing of mine may begin now."""
    return sum(one.kind == "clear" for one in rows.unfinished(tx)) < MAX_CLEARINGS


def _is_contact(tx: Reader, id: PersonId) -> bool:
    person = people.person(tx, id)
    return person is not None and person.state == "accepted" and not person.changed
