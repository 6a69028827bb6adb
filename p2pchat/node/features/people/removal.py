"""Ending an acquaintance: nothing goes to a person or is taken from him until we ask each other anew."""

from __future__ import annotations

from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import PersonId
from p2pchat.errors import NotAllowedError
from p2pchat.node.effects import CirclesChanged
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import ious
from p2pchat.node.features.people.names import name_of
from p2pchat.store import deliveries, events, logs, outbox, people
from p2pchat.store.transaction import Transaction

KEPT: Final = frozenset({items.GROUP_KEY, items.GROUP_KEY_WANTED, items.RECEIPT})
"""What goes on to a person with whom I share a group."""


def remove(app: App, tx: Transaction, person: people.Person, *, with_debts: bool = False) -> None:
    """Have `person` among my contacts no longer; he is not told. The chat and the IOUs stay, out of sight.

    What has not reached him waits in the log, and goes on should we become contacts again.

    Raises:
        NotAllowedError: he is no contact, or something is owed or to be decided and not `with_debts`.
    """
    if person.state not in ("accepted", "requested"):
        why = {
            "blocked": "is blocked, which keeps them out already",
            "pending": f"asks to be a contact: `p2pchat requests reject {person.petname}`",
        }
        raise NotAllowedError(f"{person.petname} {why.get(person.state, 'is not a contact')}")
    open_ones = [one for one in ious.standings(app, tx, person.id) if one.minor or one.open]
    if open_ones and not with_debts:
        raise NotAllowedError(f"something is owed or undecided between {person.petname} and you")
    conversation = direct_conversation(app.person, person.id)
    for device in people.all_devices(tx, person.id):
        outbox.keep_only(tx, device.id, KEPT)
    deliveries.suspend(tx, conversation, person.id, app.now_ms())
    if logs.conversation(tx, conversation):
        logs.set_archived(tx, conversation, True)
    people.set_state(tx, person.id, "member")
    events.record(
        tx,
        "contact.changed",
        {"person": person.id.text, "name": name_of(app, tx, person.id), "state": "removed"},
        app.now_ms(),
    )
    tx.effects.append(CirclesChanged())


def resume(app: App, tx: Transaction, person: PersonId) -> None:
    """We are contacts again: queue what has waited since `remove`."""
    conversation = direct_conversation(app.person, person)
    for id in deliveries.resume(tx, conversation, person, app.now_ms()):
        entry = logs.get(tx, id)
        assert entry is not None
        for device in people.devices(tx, person):
            outbox.put(tx, device.id, Item(items.ENTRY, entry.encode()), entry=id)
    logs.set_archived(tx, conversation, False)
