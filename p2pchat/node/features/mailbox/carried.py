"""Carrying by hand what waits for people who cannot be connected with: out of the outbox, into a file.

What was carried stays in the outbox until the recipient's device confirms it, by whatever way: a file back,
a mailbox, a connection. So a stick that is lost costs time and no message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.group.veil import NONCE_SIZE, batches, unveil, veil
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.log.entry import Entry
from p2pchat.core.mailbox.carried import MAX_CARRIED, Carried
from p2pchat.core.mailbox.sealing import Parcel
from p2pchat.errors import NotFoundError, ProtocolError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import envelopes
from p2pchat.node.features.group import group_log, group_views
from p2pchat.node.features.mailbox import mailboxes
from p2pchat.store import groups, logs, outbox, people
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Transaction

MOST_FOR_DEVICE: Final = 256  # envelopes
_ROOM: Final = MAX_CARRIED // 2  # for parcels, and for entries


@dataclass(frozen=True, slots=True)
class Packed:
    """What was put into a file, and what had to stay."""

    carried: Carried
    entries: int  # of a group
    left: int  # items that cannot be sealed before a first meeting, or had no room


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a file brought."""

    parcels: int  # that were for me
    entries: int  # of my groups that I did not have
    others: int  # parcels and batches for somebody else, or damaged


def for_person(app: App, tx: Transaction, person: people.Person) -> Packed:
    """What waits for the devices of a contact.

    Raises:
        NotFoundError: nothing does.
    """
    devices = [one.id for one in people.devices(tx, person.id)]
    parcels = _parcels(app, tx, devices)
    left = _left(tx, devices)
    if not parcels and not left:
        raise NotFoundError(f"nothing waits for {person.petname}")
    return Packed(Carried(tuple(parcels), ()), 0, left)


def for_group(app: App, tx: Transaction, membership: groups.Membership) -> Packed:
    """The group's log, the newest entries where it is long, and what waits for the members' devices.

    Raises:
        NotAllowedError: I am not a member.
    """
    group_views.check_is_member(app, tx, membership)
    devices = sorted(group_views.member_devices(app, tx, membership.group) - {app.device})
    newest, size = [], 0
    for entry in logs.newest_first(tx, membership.group):
        raw = entry.encode()
        size += len(raw)
        if size > _ROOM:
            break
        newest.append(raw)
    veiled = tuple(veil(membership.secret, batch, app.entropy(NONCE_SIZE)) for batch in batches(newest[::-1]))
    parcels = tuple(_parcels(app, tx, devices))
    return Packed(Carried(parcels, veiled), len(newest), _left(tx, devices))


def unpack(app: App, tx: Transaction, carried: Carried) -> Unpacked:
    """Take what is for me. The same file again changes nothing."""
    mine = mailboxes.take(app, tx, list(carried.parcels))
    joined = {one.group: one.secret for one in groups.all_in(tx) if one.secret}
    others, new = len(carried.parcels) - mine, 0
    for payload in carried.veiled:
        entries = _entries_of(app, tx, joined, payload)
        new += entries or 0
        others += entries is None
    return Unpacked(mine, new, others)


def _entries_of(app: App, tx: Transaction, joined: dict[GroupId, bytes], payload: bytes) -> int | None:
    """How many new entries a batch brought; None if it is of none of my groups."""
    for group, secret in joined.items():
        try:
            raw = unveil(secret, payload)
        except ProtocolError:
            continue
        try:
            entries = [Entry.decode(one) for one in raw]
            lacking = StoredLog(tx, group).lacking([entry.id for entry in entries])
            group_log.take_hinted(app, tx, group, entries)
        except ProtocolError:
            return None
        return len(lacking) - len(StoredLog(tx, group).lacking(sorted(lacking)))
    return None


def _parcels(app: App, tx: Transaction, devices: Iterable[DeviceId]) -> list[bytes]:
    """What waits for these devices, sealed for each."""
    parcels: list[bytes] = []
    size = 0
    for device in devices:
        keys, _ = mailboxes.reached_by(tx, device)
        if keys is None:
            continue
        envelopes.seal_all(app, tx, device, most=MOST_FOR_DEVICE)
        for id, sealed in outbox.envelopes(tx, device, limit=MOST_FOR_DEVICE, skip=frozenset()):
            wants_receipt = outbox.kinds_of(tx, id) != {items.RECEIPT}
            parcel = Parcel(app.certificate.encode(), sealed, wants_receipt).seal(keys.parcels)
            size += len(parcel)
            if size > _ROOM:
                return parcels
            parcels.append(parcel)
    return parcels


def _left(tx: Transaction, devices: Iterable[DeviceId]) -> int:
    return sum(len(outbox.unsealed(tx, device, limit=items.MAX_ITEMS)) for device in devices)
