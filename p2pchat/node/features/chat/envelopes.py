"""Envelopes: sealing what waits for a device, and opening what a device sends.

The courier asks for `work`, sends it, and reports what came back. Nothing here waits; a kill between
any two calls leaves either an item to be sealed or an envelope to be sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.direct.frames import Ack, EnvelopeId, Hello, Nak, NakReason, envelope_id
from p2pchat.core.direct.items import Item, decode_items, encode_items
from p2pchat.core.identity import DeviceCertificate, direct_conversation
from p2pchat.core.ids import DeviceId
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.errors import UndecryptableError
from p2pchat.core.ratchet.parties import Endpoint, Parties
from p2pchat.core.ratchet.peer import PeerSessions
from p2pchat.errors import NotAllowedError, P2PChatError, ProtocolError, QuotaError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, direct
from p2pchat.node.features.group import group_messages, group_reading, groups
from p2pchat.node.features.ledger import circulation_intake, ledger_forks, simplifying
from p2pchat.node.features.people import cards, contacts, introductions, lost_log
from p2pchat.store import deliveries, outbox, people, sessions
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

BATCH_BYTES: Final = 96 * 1024  # of item payloads in one envelope; MAX_PLAINTEXT is the receiver's bound
SEEN_FOR_MS: Final = 60 * 86_400_000  # longer than any bundle lives: older envelopes cannot be opened anyway
REFUSED_PAUSE_MS: Final = 600_000  # before a device that refused an envelope is offered it again
SESSIONS_KEPT: Final = 64  # with devices, kept open; the longest kept goes first
MAX_STRANGERS: Final = 1000  # devices of people we do not know, kept between their hello and their request

Apply = Callable[[App, Transaction, people.Device, bytes], None]

_OPEN_TO_ALL: Final[dict[str, Apply]] = {items.REQUEST: contacts.take_request}
_OPEN_TO_ASKED: Final[dict[str, Apply]] = {items.ACCEPT: contacts.take_accept}
_OPEN_TO_MEMBERS: Final[dict[str, Apply]] = {
    items.GROUP_KEY: group_messages.take_key,
    items.GROUP_KEY_WANTED: group_messages.take_keys_wanted,
    items.GROUP_READ: group_reading.take,
    items.RECEIPT: lambda app, tx, sender, payload: take_receipt(app, tx, sender, payload),
}
_OPEN_TO_CONTACTS: Final[dict[str, Apply]] = {
    items.ENTRY: direct.take_entry,
    items.CARD: contacts.take_card,
    items.READ: direct.take_read,
    items.LOG_WANTED: lost_log.take_wanted,
    items.LOG_AUTHORS: lost_log.take_authors,
    items.LEDGER_HEADS: direct.take_heads,
    items.LEDGER_FORK: ledger_forks.take,
    items.CIRCLE_ORDER: circulation_intake.take_order,
    items.CIRCLE_PROBE: circulation_intake.take_probe,
    items.CIRCLE_CANCEL: circulation_intake.take_cancel,
    items.CIRCLE_ASK: circulation_intake.take_ask,
    items.CIRCLE_INVOICE: circulation_intake.take_invoice,
    items.CIRCLE_SWAP: circulation_intake.take_swap,
    items.DEBTS_WANTED: simplifying.take_ask,
    items.DEBTS: simplifying.take_report,
    items.DEBTS_CIRCLE: simplifying.take_circle,
    items.INTRODUCTION: introductions.take,
    items.GROUP_INVITE: groups.take_invite,
}
_NEEDS_LISTING: Final = frozenset(_OPEN_TO_CONTACTS) - cards.UNDECIDED_KINDS
_OPEN: Final[dict[str, dict[str, Apply]]] = {
    "requested": _OPEN_TO_ALL | _OPEN_TO_ASKED | _OPEN_TO_MEMBERS,
    "accepted": _OPEN_TO_ALL | _OPEN_TO_ASKED | _OPEN_TO_MEMBERS | _OPEN_TO_CONTACTS,
    "member": _OPEN_TO_ALL | _OPEN_TO_MEMBERS,
    "pending": _OPEN_TO_ALL | _OPEN_TO_MEMBERS,
    "rejected": _OPEN_TO_ALL | _OPEN_TO_MEMBERS,
    "blocked": {},
}
_KNOWN: Final = frozenset(_OPEN_TO_ALL | _OPEN_TO_ASKED | _OPEN_TO_MEMBERS | _OPEN_TO_CONTACTS)


@dataclass(frozen=True, slots=True)
class Work:
    """What to do next for a device: send these, in order; or first get its prekey bundle."""

    envelopes: list[tuple[EnvelopeId, bytes]]
    needs_bundle: bool = False


def take_receipt(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A device says what became of envelopes that it found in a mailbox. Raises ProtocolError."""
    receipt = items.Receipt.decode(payload)
    acknowledged(app, tx, sender.id, receipt.taken)
    for id in receipt.unreadable:
        if undecryptable(app, tx, sender.id, id):
            tx.effects.append(Wake(sender.id))


def work(app: App, tx: Transaction, device: DeviceId, in_flight: frozenset[EnvelopeId], *, most: int) -> Work:
    """At most `most` envelopes for a device besides those in flight: stored ones first, then newly sealed."""
    remote = people.device(tx, device)
    if remote is None or _is_blocked(tx, remote):
        return Work([])
    stored = outbox.envelopes(tx, device, limit=most, skip=in_flight)
    return Work(stored) if stored else _seal_next(app, tx, remote)


def seal_all(app: App, tx: Transaction, device: DeviceId, *, most: int) -> list[tuple[EnvelopeId, bytes]]:
    """Seal what waits for a device into at most so many envelopes more, and give these.

    No-op for what needs a fresh prekey bundle first.
    """
    sealed: list[tuple[EnvelopeId, bytes]] = []
    remote = people.device(tx, device)
    if remote is None or _is_blocked(tx, remote):
        return sealed
    while len(sealed) < most and (work := _seal_next(app, tx, remote)).envelopes:
        sealed += work.envelopes
    return sealed


def _seal_next(app: App, tx: Transaction, remote: people.Device) -> Work:
    device = remote.id
    batch = _batch(tx, remote)
    if not batch:
        return Work([])
    peer = _load(app, tx, remote)
    if peer is None or peer.needs_bundle:
        return Work([], needs_bundle=True)
    sealed = peer.seal(encode_items([queued.item for queued in batch]))
    id = envelope_id(sealed)
    outbox.carry(tx, batch, device, id, sealed)
    _keep(app, tx, device, peer)
    return Work([(id, sealed)])


def has_work(tx: Reader, device: DeviceId) -> bool:
    """Whether there is anything to send to a device now."""
    remote = people.device(tx, device)
    if remote is None or _is_blocked(tx, remote):
        return False
    return bool(outbox.envelopes(tx, device, limit=1, skip=frozenset()) or _batch(tx, remote))


def _is_blocked(tx: Reader, remote: people.Device) -> bool:
    person = people.person(tx, remote.person)
    return person is not None and person.state == "blocked"


def _batch(tx: Reader, remote: people.Device) -> list[outbox.Queued]:
    if remote.standing == "revoked":
        return []
    queued = outbox.unsealed(tx, remote.id, limit=items.MAX_ITEMS)
    person = people.person(tx, remote.person)
    if person is None or person.state == "requested":
        # Until he accepts, he would refuse the rest; a group's members share keys all the same.
        queued = [one for one in queued if one.item.kind in _OPEN_TO_ALL or one.item.kind in _OPEN_TO_MEMBERS]
    if person is not None and person.changed:
        queued = [one for one in queued if one.item.kind in cards.UNDECIDED_KINDS]
    batch: list[outbox.Queued] = []
    size = 0
    for one in queued:
        size += len(one.item.payload)
        if batch and size > BATCH_BYTES:
            break
        batch.append(one)
    return batch


def acknowledged(app: App, tx: Transaction, device: DeviceId, ids: tuple[EnvelopeId, ...]) -> None:
    """The device has committed these envelopes."""
    for id in ids:
        entries = outbox.delivered(tx, device, id)
        if entries:
            direct.delivered(app, tx, device, entries)


def undecryptable(app: App, tx: Transaction, device: DeviceId, id: EnvelopeId) -> bool:
    """The device cannot open an envelope: seal all its items anew, in a fresh session.

    False if the envelope is not in the outbox any more: then the complaint is about a replay.
    """
    if not outbox.is_pending(tx, device, id):
        return False
    remote = people.device(tx, device)
    assert remote is not None
    deliveries.take_back(tx, outbox.entries_for(tx, device), remote.person, app.now_ms())
    outbox.unseal(tx, device)
    return True


def refused(app: App, tx: Transaction, device: DeviceId, id: EnvelopeId) -> None:
    """The device does not want this envelope: say so where its messages are shown."""
    remote = people.device(tx, device)
    if remote is None:
        return
    failed = [
        entry
        for entry in outbox.entries_of(tx, id)
        if deliveries.fail(
            tx,
            entry,
            remote.person,
            app.now_ms(),
            reason="refused by their device",
            retry_ms=app.now_ms() + REFUSED_PAUSE_MS,
        )
    ]
    chats.moved(app, tx, failed, remote.person, "failed")


# --- hello ----------------------------------------------------------------------------------------


def ask_hello(app: App, *, wants_bundle: bool) -> Hello:
    """Our side of a hello."""
    return Hello(app.certificate.encode(), wants_bundle=wants_bundle)


def answer_hello(app: App, tx: Transaction, sender: DeviceId, question: Hello) -> Hello:
    """Note who the sender is; answer who we are, with a bundle for the sender if it wants one.

    Raises:
        ProtocolError: the certificate is not the sender's.
    """
    _take_certificate(tx, sender, question.certificate)
    bundle = None
    if question.wants_bundle:
        account = app.account(tx)
        account.maintain(app.now_ms())
        bundle = account.bundle(app.person, app.key, app.now_ms(), sender).encode()
        app.save_account(tx, account)
    return Hello(app.certificate.encode(), bundle)


def take_hello(app: App, tx: Transaction, sender: DeviceId, answer: Hello) -> None:
    """Note who the device is, and start a session from its bundle if there is one.

    Raises:
        ProtocolError: the certificate or the bundle is not the device's, or is not the person's we know.
    """
    _take_certificate(tx, sender, answer.certificate)
    if answer.bundle is None:
        return
    remote = people.device(tx, sender)
    assert remote is not None
    peer = _load(app, tx, remote)
    assert peer is not None
    account = app.account(tx)
    bundle = PrekeyBundle.decode(answer.bundle)
    # The device gave it to us this moment, so it is fresh; clocks that are days apart say nothing about it.
    peer.start(account, bundle, app.key, bundle.created_ms)
    _keep(app, tx, sender, peer)
    app.save_account(tx, account)


def _take_certificate(tx: Transaction, sender: DeviceId, raw: bytes) -> None:
    certificate = DeviceCertificate.decode(raw)
    if certificate.device != sender:
        raise ProtocolError("the certificate is of another device")
    known = people.device(tx, sender)
    if known and known.person != certificate.person:
        said = "a card" if known.certificate else "the invite link"
        raise ProtocolError(f"the device belongs to another person than {said} said")
    if known and known.standing == "revoked":
        raise ProtocolError("the device was revoked by its person")
    if known and known.certificate == raw:
        return
    people.set_certificate(tx, sender, certificate.person, raw, certificate.olm_identity)
    people.forget_strangers(tx, keep=sender, most=MAX_STRANGERS)


# --- opening --------------------------------------------------------------------------------------


def receive(app: App, tx: Transaction, sender: DeviceId, sealed: bytes) -> Ack | Nak:
    """Take an envelope from a device: everything in it is stored, or nothing is and the answer says why.

    Raises:
        ProtocolError: the envelope is malformed: the sender is broken or hostile.
    """
    id = envelope_id(sealed)
    if outbox.seen(tx, id):
        return Ack((id,))
    remote = people.device(tx, sender)
    if remote is None or remote.olm_identity is None:
        return Nak(id, NakReason.UNKNOWN_DEVICE)
    if remote.standing == "revoked":
        return Nak(id, NakReason.REFUSED)
    try:
        with tx.savepoint():
            _open(app, tx, remote, sealed)
            outbox.mark_seen(tx, id, app.now_ms())
    except UndecryptableError as error:
        logger.warning("Envelope %s of %s: %s.", id.hex()[:8], sender.short, error)
        return Nak(id, NakReason.UNDECRYPTABLE)
    except (NotAllowedError, QuotaError) as error:
        logger.warning("Refused envelope %s of %s: %s.", id.hex()[:8], sender.short, error)
        return Nak(id, NakReason.REFUSED)
    return Ack((id,))


def _open(app: App, tx: Transaction, remote: people.Device, sealed: bytes) -> None:
    peer = _load(app, tx, remote)
    assert peer is not None
    account = app.account(tx) if peer.begins(sealed) else None  # unsealing it costs as much as all the rest
    opened = peer.open(account, sealed)
    _keep(app, tx, remote.id, peer)
    if account is not None and opened.account_changed:
        app.save_account(tx, account)
    for kind, some in groupby(decode_items(opened.plaintext), key=lambda item: item.kind):
        if kind == items.ENTRY:  # a burst costs less together: one signature proves what is behind it
            if _handler(tx, remote, kind):
                direct.take_entries(app, tx, remote, [item.payload for item in some])
        else:
            for item in some:
                _apply(app, tx, remote, item)


def _handler(tx: Transaction, remote: people.Device, kind: str) -> Apply | None:
    """What takes items of a kind of this device; None if they are passed over. Raises NotAllowedError."""
    if kind not in _KNOWN:
        logger.info("%s sent a '%s', which this version does not know.", remote.id.short, kind)
        return None
    person = people.person(tx, remote.person)
    apply = _OPEN.get(person.state if person else "", _OPEN_TO_ALL).get(kind)
    if apply is None and kind in _OPEN_TO_CONTACTS:
        raise NotAllowedError(f"'{kind}' of somebody who is not a contact")
    if apply is None:
        logger.info("%s may not send a '%s'.", remote.id.short, kind)
        return None
    device = people.device(tx, remote.id)  # an item before this one may have listed it
    if kind in _NEEDS_LISTING and (device is None or device.standing != "listed"):
        raise NotAllowedError(f"'{kind}' of a device that no card lists")
    return apply


def _apply(app: App, tx: Transaction, remote: people.Device, item: Item) -> None:
    apply = _handler(tx, remote, item.kind)
    if apply is None:
        return
    try:
        with tx.savepoint():
            apply(app, tx, remote, item.payload)
    except P2PChatError as error:
        if isinstance(error, QuotaError) and item.kind == items.REQUEST:
            raise  # he may ask again later
        # His fault, and no better the next time: acknowledge it so that he does not send it for ever.
        logger.warning("Dropped a '%s' of %s: %s.", item.kind, remote.id.short, error)


def _load(app: App, tx: Reader, remote: people.Device) -> PeerSessions | None:
    if remote.olm_identity is None:
        return None
    parties = Parties(
        Endpoint(app.person, app.device, app.certificate.olm_identity),
        Endpoint(remote.person, remote.id, remote.olm_identity),
        direct_conversation(app.person, remote.person),
    )
    state = sessions.pairwise(tx, remote.id)
    # Taken out: whoever changes the sessions and does not store them leaves nothing behind for the next.
    kept, peer = app.sessions.pop(remote.id, (None, None))
    if peer is not None and kept == state and peer.parties == parties:
        return peer
    return PeerSessions.from_bytes(parties, state, app.pickle_key) if state else PeerSessions(parties)


def _keep(app: App, tx: Transaction, device: DeviceId, peer: PeerSessions) -> None:
    """Store the sessions, and keep them open; should this be undone, they differ from what is stored."""
    state = peer.to_bytes(app.pickle_key)
    sessions.put_pairwise(tx, device, state)
    if len(app.sessions) >= SESSIONS_KEPT:
        del app.sessions[next(iter(app.sessions))]
    app.sessions[device] = state, peer
