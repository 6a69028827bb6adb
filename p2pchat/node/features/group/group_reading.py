"""Who has read up to where in a group: each member tells each author, and him alone, his place in the
author's chain.

A place covers all before it, so one mark for each author waits at a time however much was read. It moves
only over what the reader could read and was shown: what came later, or waits for its key, ends it.
In large groups nobody tells: an author there would get a mark from everybody for each message.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item, ReadMark
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.errors import ProtocolError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats
from p2pchat.node.features.group import group_views
from p2pchat.store import deliveries, groups, logs, messages, outbox, people
from p2pchat.store.transaction import Transaction

MAX_MEMBERS: Final = 64  # of a group in which places are told


def tell(app: App, tx: Transaction, group: GroupId, authors: Collection[DeviceId]) -> None:
    """Tell these authors how far I have read what they wrote in a group that I am in."""
    membership = groups.get(tx, group)
    if membership is None or membership.state != "joined":
        return
    if len(group_views.persons(app, tx, group)) > MAX_MEMBERS:
        return
    members = group_views.member_devices(app, tx, group)
    for author in sorted(authors):
        seen, known = messages.seen_up_to(tx, group, author), people.device(tx, author)
        if seen is None or known is None:
            continue
        payload = ReadMark(group, seen).encode()
        for device in people.devices(tx, known.person):
            if device.id in members:
                outbox.drop(tx, device.id, items.GROUP_READ, beginning=items.about_same(payload))
                outbox.put(tx, device.id, Item(items.GROUP_READ, payload))
                tx.effects.append(Wake(device.id))


def take(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A member has read what I wrote up to an entry.

    Raises:
        ProtocolError: malformed, of a group that he or I are not in, or about an entry that is not mine.
    """
    mark = ReadMark.decode(payload)
    group = GroupId(mark.conversation)
    if groups.get(tx, group) is None or sender.id not in group_views.member_devices(app, tx, group):
        raise ProtocolError("a read mark of somebody who is no member")
    seen = logs.stored(tx, group, mark.entry)
    if seen is None:  # restored from a backup that is older: the next mark will do
        return
    author = people.device(tx, seen.device)
    if seen.device != app.device and (author is None or author.person != app.person):
        raise ProtocolError("a read mark about what others wrote")
    moved = deliveries.advance_chain(tx, group, seen.device, seen.seq, sender.person, "read", app.now_ms())
    chats.moved(app, tx, moved, sender.person, "read")
