"""Whom a node dials."""

from __future__ import annotations

from typing import Any

from p2pchat.core.direct.items import GROUP_KEY, Item
from p2pchat.core.ids import DeviceId
from p2pchat.node.features.ledger import circles
from p2pchat.store import outbox


def test_a_key_for_thousands_makes_nobody_dial_thousands(workshop: Any) -> None:
    ann, ben = workshop.contacts(9001)
    crowd = {DeviceId(number.to_bytes(32, "big")) for number in range(3000)}

    def give(tx: Any) -> None:
        for device in sorted(crowd):
            outbox.put(tx, device, Item(GROUP_KEY, b"key"))

    ann.database.transact(give)

    def dialled() -> set[DeviceId]:
        found: set[DeviceId] = ann.database.read(lambda tx: circles.wanted_devices(ann.app, tx))
        return found

    first = dialled()
    assert ben.device in first
    assert len(first & crowd) == circles.MAX_OTHERS
    assert first == dialled()
    ann._clock += 1000 * circles.ROTATE_S
    second = dialled()
    assert len(second & crowd) == circles.MAX_OTHERS
    assert second & crowd != first & crowd  # so that everybody's turn comes
    ann.close()
    ben.close()
