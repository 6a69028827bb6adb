"""Cards of others: whose devices are whose, and what follows when a person's devices change.

A device counts while its person's newest card lists it. One that is no longer listed is revoked: what
waits for it goes to the devices that came in its place, nothing more is sealed for it, and what it sends
is refused. A new device of somebody I verified has to be decided about before I write again; others I
trust on first use, as Signal does.
"""

from __future__ import annotations

from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.identity import Card, direct_conversation
from p2pchat.core.ids import DeviceId
from p2pchat.errors import ProtocolError
from p2pchat.node.effects import CirclesChanged, Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats
from p2pchat.store import events, outbox, people, sessions
from p2pchat.store.transaction import Transaction

UNDECIDED_KINDS: Final = frozenset({items.REQUEST, items.ACCEPT, items.CARD})
"""Items that say nothing but who I am: all that goes to somebody whose new device is not decided about."""


def of_sender(sender: people.Device, raw: bytes) -> Card:
    """The card in `raw`. Raises ProtocolError if it is malformed or does not list the sender's device."""
    card = Card.decode(raw)
    if card.person != sender.person or sender.id not in {one.device for one in card.devices}:
        raise ProtocolError("the card is not the sender's own")
    return card


def note(app: App, tx: Transaction, card: Card, raw: bytes) -> None:
    """Keep a checked card of a person we know, if it is newer than the one we have."""
    known = people.person(tx, card.person)
    if known is None:
        return
    is_newer = card.version > known.card_version
    before = {device.id for device in people.devices(tx, card.person)}
    for one in card.devices:  # those of an old card may have written what we still have to read
        standing = "listed" if is_newer else "revoked"
        people.set_certificate(tx, one.device, card.person, one.encode(), one.olm_identity, standing=standing)
    if not is_newer:
        return
    # A device that countersigned for two persons stays with the first.
    owned = {device.id for device in people.all_devices(tx, card.person)}
    people.set_card(tx, card.person, card.version, card.name, raw)
    now = {one.device for one in card.devices if one.device in owned}
    for device in now:
        people.set_standing(tx, device, "listed")
        people.add_addresses(tx, device, [address for owner, address in card.addresses if owner == device])
    for keys in card.mailbox_keys:
        if keys.device in now:
            people.set_box(tx, keys.device, keys.box)
    came = now - before
    for device in before - now:
        _revoke(tx, device, came)
    if came:
        tx.effects.append(CirclesChanged())
        if before and known.state == "accepted":
            _tell(app, tx, known, card, came)


def _revoke(tx: Transaction, device: DeviceId, successors: set[DeviceId]) -> None:
    people.set_standing(tx, device, "revoked")
    sessions.drop_pairwise(tx, device)
    for successor in sorted(successors):
        outbox.copy(tx, device, successor)
        tx.effects.append(Wake(successor))
    outbox.discard(tx, device)


def _tell(app: App, tx: Transaction, person: people.Person, card: Card, came: set[DeviceId]) -> None:
    words = "uses a new device"
    if person.verified:
        people.set_changed(tx, person.id)
        words += ": compare the safety number again, or trust it, before you write"
    conversation = direct_conversation(app.person, person.id)
    chats.remark(app, tx, conversation, person.id, min(came), card.version, words)
    data = {
        "person": person.id.text,
        "name": person.petname,
        "devices": [device.text for device in sorted(came)],
        "undecided": person.verified or person.changed,
    }
    events.record(tx, "contact.new-device", data, app.now_ms())
