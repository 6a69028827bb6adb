"""Who may leave parcels for whom at this node: contacts and fellow members, for each other."""

from __future__ import annotations

from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash
from p2pchat.node.storage import Storage
from p2pchat.store import people
from p2pchat.store.transaction import Reader

_STATES: Final = ("accepted", "member")


class Friends:
    """`node.mailbox.server.Friends` over the store."""

    def __init__(self, store: Storage) -> None:
        self._store = store

    async def may_leave(self, peer: DeviceId, boxes: set[bytes]) -> tuple[set[bytes], bytes | None]:
        """The `boxes` in which `peer` may leave something: those of friends, if it is one too.

        What one person leaves, from whatever device, goes by one name.
        """

        def look(tx: Reader) -> tuple[set[bytes], bytes | None]:
            known = people.device(tx, peer)
            if known is None or not is_friend(peer, tx):
                return set(), None
            return {box for box in boxes if device_of_box(box, tx)}, tagged_hash("depositor", known.person)

        return await self._store.read(look)

    async def has_box(self, box: bytes) -> bool:
        """Whether a box is a friend's."""
        return await self._store.read(lambda tx: device_of_box(box, tx) is not None)


def is_friend(device: DeviceId, tx: Reader) -> bool:
    """Whether a device is a contact's or a fellow member's."""
    known = people.device(tx, device)
    person = people.person(tx, known.person) if known and known.standing == "listed" else None
    return person is not None and person.state in _STATES


def device_of_box(box: bytes, tx: Reader) -> DeviceId | None:
    """The friend's device whose card names this box; None if there is none."""
    device = people.device_of_box(tx, box)
    return device if device and is_friend(device, tx) else None


def box_of(device: DeviceId, tx: Reader) -> bytes | None:
    """The box of a friend's device; None if it is no friend's, or none is known."""
    return people.box_of(tx, device) if is_friend(device, tx) else None
