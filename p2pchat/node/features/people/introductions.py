"""Introductions: a contact makes two of his contacts known to each other.

Each gets the other's card as its person signed it, so the introducer can make nobody up. Whoever accepts
first asks the other, as through an invite link.
"""

from __future__ import annotations

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.identity import Card
from p2pchat.errors import NotAllowedError, ProtocolError, QuotaError, UsageError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import direct
from p2pchat.node.features.people import cards
from p2pchat.node.features.people.contacts import MAX_PENDING_STRANGERS
from p2pchat.node.features.people.names import free_petname, name_of
from p2pchat.store import events, outbox, people
from p2pchat.store.transaction import Transaction


def introduce(app: App, tx: Transaction, one: people.Person, other: people.Person) -> None:
    """Send each of two contacts the card of the other.

    Raises:
        UsageError: they are the same person.
        NotAllowedError: one of them is no contact.
        UntrustedKeyError: a device of one of them has to be decided about first.
    """
    if one.id == other.id:
        raise UsageError("two different contacts can be introduced to each other")
    for reader, shown in ((one, other), (other, one)):
        card = people.card(tx, shown.id)
        if shown.state != "accepted" or card is None:
            raise NotAllowedError(f"{shown.petname} is not a contact")
        direct.check_trusted(shown)
        for device in people.devices(tx, reader.id):
            outbox.put(tx, device.id, Item(items.INTRODUCTION, card))
            tx.effects.append(Wake(device.id))


def take(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact introduces somebody: it is shown as a request that waits for my decision.

    Raises:
        ProtocolError: the card is malformed, or mine, or the introducer's own.
        QuotaError: too many requests wait already.
    """
    card = Card.decode(payload)
    if card.person in (app.person, sender.person):
        raise ProtocolError("an introduction of one of the two who talk")
    known = people.person(tx, card.person)
    if known and known.state != "member":
        return
    if len(people.persons(tx, "pending")) >= MAX_PENDING_STRANGERS:
        raise QuotaError("too many contact requests wait for a decision")
    introducer = name_of(app, tx, sender.person)
    greeting = f"introduced by {introducer}"
    if known:
        people.set_state(tx, known.id, "pending")
        people.set_greeting(tx, known.id, greeting, None)
        people.set_introducer(tx, known.id, sender.person)
    else:
        name = free_petname(tx, card.name)
        people.add_person(
            tx,
            people.Person(
                card.person,
                name,
                card.name,
                "pending",
                False,
                0,
                greeting,
                None,
                app.now_ms(),
                introduced_by=sender.person,
            ),
        )
    cards.note(app, tx, card, payload)
    known = people.person(tx, card.person)
    assert known is not None
    data = {"person": known.id.text, "name": known.petname, "introduced_by": introducer}
    events.record(tx, "request.received", data, app.now_ms())
