"""Mailboxes: which are mine, who may leave something there, and what was found in one.

What waits for a device that is away is left as a parcel at the mailboxes on its person's card. The
envelope stays in the outbox until the device itself says that it has it: by a receipt that comes back the
same way, or over a connection. So a mailbox that loses or keeps back a parcel delays it and no more.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection
from typing import Final

from p2pchat.config import check_address
from p2pchat.core.direct import items
from p2pchat.core.direct.frames import Ack, EnvelopeId, NakReason, envelope_id
from p2pchat.core.direct.items import Item, Receipt
from p2pchat.core.identity import MAX_MAILBOXES, Card, DeviceCertificate, MailboxKeys
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.frames import MAX_TAGS, Admit
from p2pchat.core.mailbox.sealing import Parcel, parcel_id
from p2pchat.errors import NotAllowedError, NotFoundError, ProtocolError, UsageError
from p2pchat.node.effects import MailboxesChanged, Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, envelopes
from p2pchat.node.features.group import group_views
from p2pchat.node.features.people import contacts
from p2pchat.node.features.people.names import find_person, name_of
from p2pchat.store import deliveries, mailboxes, outbox, people
from p2pchat.store.mailboxes import Deposit
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

COPIES: Final = 3  # holders of one parcel, if so many are known
MAX_WAITING: Final = 256  # envelopes of one device that are sealed ahead of its coming back


# --- mine -----------------------------------------------------------------------------------------


def use(app: App, tx: Transaction, where: str, token: str = "") -> str:
    """Let contacts leave what is for me at a node, or with a contact of mine; where that is now.

    Raises:
        UsageError: it is no address of a node, or I have as many mailboxes as a card can name.
        NotFoundError: nobody is called so.
        NotAllowedError: he is no contact.
    """
    address = check_address(where) if where.startswith("/") else _device_of(app, tx, where).text
    named = mailboxes.named(tx)
    if address not in named and len(named) >= MAX_MAILBOXES:
        raise UsageError(f"you use {MAX_MAILBOXES} mailboxes already: drop one first")
    mailboxes.name(tx, address, token)
    _announce(app, tx)
    return address


def _device_of(app: App, tx: Reader, who: str) -> DeviceId:
    person = find_person(tx, who)
    if person.state != "accepted":
        raise NotAllowedError(f"{person.petname} is not a contact")
    devices = people.devices(tx, person.id)
    if not devices:
        raise NotFoundError(f"no device of {person.petname} is known")
    return devices[0].id


def drop(app: App, tx: Transaction, address: str) -> None:
    """Use a mailbox no longer; what lies there now is still collected if it was asked for in time.

    Raises:
        NotFoundError: it is none of mine.
    """
    if address not in mailboxes.named(tx):
        raise NotFoundError(f"you do not use the mailbox '{address}'")
    mailboxes.drop(tx, address)
    _announce(app, tx)


def _announce(app: App, tx: Transaction) -> None:
    app.renew_card(tx)
    contacts.announce_card(app, tx)
    tx.effects.append(MailboxesChanged())


def admissions(app: App, tx: Reader, mailbox: DeviceId) -> list[Admit]:
    """The tags under which contacts and fellow members may leave parcels for me, for each day."""
    pairs = []
    for person in people.persons(tx, "accepted", "member"):
        card = _card_of(tx, person)
        for keys in card.mailbox_keys if card else ():
            if keys.device != app.device and (pair := _pair(app, keys)):
                pairs.append(pair)
    today = tags.day_of(app.now_ms())
    return [
        Admit(
            day,
            tuple(
                sorted(
                    tags.tag_of(tags.deposit_pass(pair, app.device, mailbox, day))
                    for pair in pairs[:MAX_TAGS]
                )
            ),
        )
        for day in range(today - 1, today + tags.AHEAD + 1)
    ]


# --- what I leave for others -----------------------------------------------------------------------


def plan(app: App, tx: Transaction, device: DeviceId, helpers: Collection[DeviceId]) -> None:
    """Seal what waits for a device that is away, and note where it is to be left.

    That is at the mailboxes on its person's card; where these are fewer than `COPIES`, with some of
    `helpers` too, connected devices of which those are asked that share a group with both of us.
    """
    keys, named = reached_by(tx, device)
    if keys is None:
        return
    fellows = _fellows(app, tx, device, helpers) if len(named) < COPIES else []
    if not named and not fellows:
        return
    waiting = mailboxes.sealed_for(tx, device)
    envelopes.seal_all(app, tx, device, most=MAX_WAITING - len(waiting))
    for envelope, sealed, has_parcel in mailboxes.sealed_for(tx, device):
        if not has_parcel:
            wants_receipt = outbox.kinds_of(tx, envelope) != {items.RECEIPT}
            parcel = Parcel(app.certificate.encode(), sealed, wants_receipt).seal(keys.parcels)
            chance = int.from_bytes(app.entropy(4), "big") / 2**32
            hour = tags.expiry_hour(app.now_ms(), chance)
            mailboxes.put_parcel(tx, envelope, parcel_id(parcel), parcel, hour)
        kept = mailboxes.held_by(tx, envelope)
        refusing = mailboxes.refused_by(tx, envelope, app.now_ms())
        passed_over = tuple(one.text for one in fellows if one.text in refusing)
        wanted = [*named, *(one.text for one in fellows if one.text not in kept | refusing)]
        have = len(kept - set(named))
        mailboxes.plan(tx, envelope, tuple(wanted[: max(len(named), COPIES - have)]), passed_over)


def _fellows(app: App, tx: Reader, device: DeviceId, helpers: Collection[DeviceId]) -> list[DeviceId]:
    """Members of a group of ours who are here, in an order of their own for each absent device.

    Rendezvous hashing (Thaler and Ravishankar, 1998): everybody asks the same few first.
    """
    known = people.device(tx, device)
    assert known is not None
    found: set[DeviceId] = set()
    for group in group_views.shared_with(app, tx, device):
        found |= group_views.member_devices(app, tx, group)
    owners = {one: people.device(tx, one) for one in found & set(helpers)}
    fit = [one for one, owner in owners.items() if owner and owner.person not in (known.person, app.person)]
    return sorted(fit, key=lambda one: tagged_hash("holder", device, one))


def deposit_address(app: App, tx: Reader, device: DeviceId, mailbox: DeviceId) -> tuple[bytes, bytes] | None:
    """The pass of a contact, and the name of the box for a stranger; None if the keys are gone."""
    keys, _ = reached_by(tx, device)
    pair = _pair(app, keys) if keys else None
    if keys is None or pair is None:
        return None
    return tags.deposit_pass(pair, device, mailbox, tags.day_of(app.now_ms())), keys.box


def held(app: App, tx: Transaction, deposit: Deposit) -> None:
    """A holder has a parcel on its disk."""
    if not mailboxes.set_state(tx, deposit.envelope, deposit.holder, "held"):
        return
    if outbox.kinds_of(tx, deposit.envelope) == {items.RECEIPT}:
        outbox.delivered(tx, deposit.device, deposit.envelope)  # nobody confirms a receipt
        return
    remote = people.device(tx, deposit.device)
    assert remote is not None
    entries = outbox.entries_of(tx, deposit.envelope)
    moved = deliveries.advance(tx, entries, remote.person, "handed", app.now_ms())
    chats.moved(app, tx, moved, remote.person, "handed")


def refused(app: App, tx: Transaction, deposit: Deposit, reason: str, retry_ms: int) -> None:
    """A holder did not take a parcel, or is not reached; it is asked again later."""
    mailboxes.set_state(
        tx, deposit.envelope, deposit.holder, "refused", reason=reason, retry_ms=app.now_ms() + retry_ms
    )


def is_to_renew(app: App, tx: Reader) -> bool:
    """Whether there is something for `renew`."""
    return bool(mailboxes.expired(tx, app.now_ms() // tags.HOUR_MS))


def renew(app: App, tx: Transaction) -> None:
    """Parcels that nobody keeps any more are left anew, if they are still waited for."""
    for envelope in mailboxes.expired(tx, app.now_ms() // tags.HOUR_MS):
        device = outbox.device_of(tx, envelope)
        remote = people.device(tx, device) if device else None
        if remote:
            deliveries.take_back(tx, outbox.entries_of(tx, envelope), remote.person, app.now_ms())
        mailboxes.drop_parcel(tx, envelope)


def name_of_holder(app: App, tx: Reader, holder: str) -> str:
    """A holder as a person is told of it: a petname, or the end of a mailbox's address."""
    if holder.startswith("/"):
        return f"mailbox …{holder[-8:]}"
    device = people.device(tx, DeviceId.parse(holder))
    return name_of(app, tx, device.person) if device else f"device {holder[:8]}"


# --- what others left for me -----------------------------------------------------------------------


def take(app: App, tx: Transaction, parcels: list[bytes]) -> int:
    """Take what lay in a mailbox; when this lasts, all of it can be forgotten there. How many were good."""
    good = 0
    taken: defaultdict[DeviceId, list[EnvelopeId]] = defaultdict(list)
    unreadable: defaultdict[DeviceId, list[EnvelopeId]] = defaultdict(list)
    for sealed in parcels:
        try:
            with tx.savepoint():
                _take_one(app, tx, Parcel.open(app.mailbox_secret, sealed), taken, unreadable)
            good += 1
        except ProtocolError as error:
            logger.warning("Dropped a parcel: %s.", error)
    for device in taken.keys() | unreadable.keys():
        receipt = Receipt(tuple(taken[device]), tuple(unreadable[device]))
        outbox.put(tx, device, Item(items.RECEIPT, receipt.encode()))
        tx.effects.append(Wake(device))
    return good


def _take_one(
    app: App,
    tx: Transaction,
    parcel: Parcel,
    taken: dict[DeviceId, list[EnvelopeId]],
    unreadable: dict[DeviceId, list[EnvelopeId]],
) -> None:
    sender = _note_sender(tx, DeviceCertificate.decode(parcel.certificate))
    answer = envelopes.receive(app, tx, sender.id, parcel.envelope)
    if isinstance(answer, Ack):
        if parcel.wants_receipt:
            taken[sender.id].append(envelope_id(parcel.envelope))
    elif answer.reason is NakReason.UNDECRYPTABLE and sender.standing == "listed" and parcel.wants_receipt:
        unreadable[sender.id].append(envelope_id(parcel.envelope))
    else:
        raise ProtocolError(f"an envelope is not taken ({answer.reason})")


def _note_sender(tx: Transaction, certificate: DeviceCertificate) -> people.Device:
    """The device that a parcel says it is from; nothing has proved it before its envelope opens.

    Raises:
        ProtocolError: it is known to be another person's.
    """
    known = people.device(tx, certificate.device)
    if known and known.person != certificate.person:
        raise ProtocolError("the certificate names another person than is known")
    if known is None or known.certificate is None:
        people.set_certificate(
            tx, certificate.device, certificate.person, certificate.encode(), certificate.olm_identity
        )
        people.forget_strangers(tx, keep=certificate.device, most=envelopes.MAX_STRANGERS)
    found = people.device(tx, certificate.device)
    assert found is not None
    return found


def reached_by(tx: Reader, device: DeviceId) -> tuple[MailboxKeys | None, tuple[str, ...]]:
    """The mailbox keys of a device, and the mailboxes on its person's card."""
    known = people.device(tx, device)
    person = people.person(tx, known.person) if known and known.standing == "listed" else None
    card = _card_of(tx, person) if person else None
    return (card.keys_of(device), tuple(filter(_is_place, card.mailboxes))) if card else (None, ())


def _is_place(holder: str) -> bool:
    """Whether what a card calls a mailbox is an address or the id of a device; anybody can write anything."""
    try:
        if holder.startswith("/"):
            check_address(holder)
        else:
            DeviceId.parse(holder)
    except UsageError:
        return False
    return True


def mailboxes_of(tx: Reader, person: people.Person) -> int:
    """How many mailboxes the card of a person names."""
    card = _card_of(tx, person)
    return len(card.mailboxes) if card else 0


def _card_of(tx: Reader, person: people.Person) -> Card | None:
    raw = people.card(tx, person.id)
    return Card.decode(raw) if raw else None


def _pair(app: App, keys: MailboxKeys) -> bytes | None:
    try:
        return tags.pair_secret(app.mailbox_secret, keys.parcels)
    except ProtocolError as error:
        logger.warning("The mailbox key of %s cannot be used: %s.", keys.device.short, error)
        return None
