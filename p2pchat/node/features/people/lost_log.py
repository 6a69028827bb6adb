"""The log of a private chat, asked back from the contact with whom it is shared.

Contacts send each other only what is new. A device that was restored lacks what was written since its
backup, and could place nothing that refers to it. So it says up to where it holds each chain, and the
other side queues the rest: its own entries, and those of the lost device, which it acknowledged.
"""

from __future__ import annotations

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item, LogWanted, decode_authors, encode_authors
from p2pchat.core.identity import DeviceCertificate, direct_conversation
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.sync.frames import Range
from p2pchat.errors import ProtocolError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import ledger_holdings
from p2pchat.store import outbox, people
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader, Transaction

_AT_ONCE = 1 << 20  # bytes of entries read at a time


def ask(app: App, tx: Transaction, person: PersonId) -> None:
    """Ask the devices of a contact for what we lack of our log."""
    conversation = direct_conversation(app.person, person)
    heights = sorted(StoredLog(tx, conversation).heights().items())[: items.MAX_AUTHORS]
    payload = LogWanted(conversation, tuple(heights)).encode()
    for device in people.devices(tx, person):
        outbox.replace(tx, device.id, Item(items.LOG_WANTED, payload))
        tx.effects.append(Wake(device.id))


def take_wanted(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact lacks a part of our log: queue it for the device that asks, each entry once.

    Behind the entries goes what I hold of our accounts: he may have been restored.

    Raises:
        ProtocolError: malformed, or about another conversation.
    """
    wanted = LogWanted.decode(payload)
    if wanted.conversation != direct_conversation(app.person, sender.person):
        raise ProtocolError("a log of another conversation is asked for")
    log, held = StoredLog(tx, wanted.conversation), dict(wanted.heights)
    ranges = [
        Range(device, held.get(device, 0) + 1, height)
        for device, height in log.heights().items()
        if height > held.get(device, 0)
    ]
    if ranges:
        _queue(app, tx, sender, log, ranges)
    outbox.drop(tx, sender.id, items.LEDGER_HEADS)
    outbox.put(tx, sender.id, ledger_holdings.item(app, tx, sender.person))
    tx.effects.append(Wake(sender.id))


def _queue(app: App, tx: Transaction, sender: people.Device, log: StoredLog, ranges: list[Range]) -> None:
    certificates = [raw for one in ranges if (raw := _certificate(app, tx, one.device))]
    outbox.replace(tx, sender.id, Item(items.LOG_AUTHORS, encode_authors(certificates[: items.MAX_AUTHORS])))
    waiting = outbox.entries_for(tx, sender.id)
    page = log.in_ranges(ranges, None, _AT_ONCE)
    while page:
        for (_, id), raw in page:
            if id not in waiting:
                outbox.put(tx, sender.id, Item(items.ENTRY, raw), entry=id)
        page = log.in_ranges(ranges, page[-1][0], _AT_ONCE)


def take_authors(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """Whose the devices are that wrote what comes next; they count as gone unless a card lists them.

    Raises:
        ProtocolError: malformed, or a device of neither of us.
    """
    for raw in decode_authors(payload):
        one = DeviceCertificate.decode(raw)
        if one.person not in (app.person, sender.person):
            raise ProtocolError("a device of somebody else")
        if one.device != app.device:
            people.set_certificate(tx, one.device, one.person, raw, one.olm_identity, standing="revoked")


def _certificate(app: App, tx: Reader, device: DeviceId) -> bytes | None:
    if device == app.device:
        return app.certificate.encode()
    known = people.device(tx, device)
    return known.certificate if known else None
