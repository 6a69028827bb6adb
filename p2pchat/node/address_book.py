"""The dialler's memory of where devices were reached, kept in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.node.storage import Storage
from p2pchat.store import people
from p2pchat.store.database import Database
from p2pchat.store.transaction import Transaction


class StoredAddressBook:
    """`net.config.AddressBook` over the store: read at once, written a moment later, together."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms
        self._news: list[tuple[DeviceId, str, bool]] = []
        self._changed = trio.Event()

    def addresses(self, device: DeviceId) -> Sequence[str]:
        """Addresses of `device`, the one that worked last first. One indexed look-up."""
        return self._database.read(lambda tx: people.addresses(tx, device))

    def worked(self, device: DeviceId, address: str) -> None:
        """A connection to `device` was made through `address` just now."""
        self._note(device, address, True)

    def failed(self, device: DeviceId, address: str) -> None:
        """`address` did not answer as `device` just now."""
        self._note(device, address, False)

    async def keep(self, store: Storage) -> None:
        """Write what was learnt since the last time, as soon as there is something."""
        await self._changed.wait()
        self._changed = trio.Event()
        news, self._news = self._news, []

        def write(tx: Transaction) -> None:
            for device, address, worked in news:
                note = people.address_worked if worked else people.address_failed
                note(tx, device, address, self._now_ms())

        await store.run(write)

    def _note(self, device: DeviceId, address: str, worked: bool) -> None:
        self._news.append((device, address, worked))
        self._changed.set()
