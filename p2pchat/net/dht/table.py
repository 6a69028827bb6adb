"""Which nodes of the table we know: many near us, few far away (Kademlia §2.2, §2.4).

Source: Maymounkov and Mazières, Kademlia, 2002, https://pdos.csail.mit.edu/~petar/papers/maymounkov-kademlia-lncs.pdf
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.core.ids import DeviceId
from p2pchat.net.dht.record import AddressRecord, Role, distance, position

BUCKET_SIZE: Final = 16
"""Nodes kept per distance class, and nodes that keep each record (the paper's k)."""
MAX_FAILURES: Final = 2  # in a row; one may be our own network's fault


@dataclass(slots=True)
class _Entry:
    record: AddressRecord
    failures: int = 0


class RoutingTable:
    """The nodes that answer queries, by their distance from ourselves.

    A full bucket keeps the nodes it has: the longer a node was up, the longer it will be, and a flood
    of new identities cannot push out old ones (§2.2).
    """

    def __init__(self, own: DeviceId) -> None:
        self._own = own
        self._position = position(own)
        self._buckets: dict[int, dict[DeviceId, _Entry]] = {}

    def __len__(self) -> int:
        return sum(len(bucket) for bucket in self._buckets.values())

    def add(self, record: AddressRecord) -> bool:
        """Keep `record` if its device answers queries and there is room; whether it is known now."""
        if record.device == self._own or not record.addresses:
            return False
        if Role.TABLE not in record.roles:
            self.remove(record.device)
            return False
        bucket = self._buckets.setdefault(self._index(record.device), {})
        entry = bucket.get(record.device)
        if entry is not None:
            if record.issued_ms > entry.record.issued_ms:
                entry.record = record
            return True
        if len(bucket) >= BUCKET_SIZE:
            worst = max(bucket.values(), key=lambda entry: entry.failures)
            if worst.failures == 0:
                return False
            del bucket[worst.record.device]
        bucket[record.device] = _Entry(record)
        return True

    def answered(self, device: DeviceId) -> None:
        """`device` answered a query just now."""
        entry = self._buckets.get(self._index(device), {}).get(device)
        if entry is not None:
            entry.failures = 0

    def failed(self, device: DeviceId) -> None:
        """`device` did not answer; the second time in a row it is forgotten."""
        entry = self._buckets.get(self._index(device), {}).get(device)
        if entry is not None:
            entry.failures += 1
            if entry.failures >= MAX_FAILURES:
                self.remove(device)

    def remove(self, device: DeviceId) -> None:
        """Forget `device`."""
        self._buckets.get(self._index(device), {}).pop(device, None)

    def closest(self, key: bytes, count: int = BUCKET_SIZE) -> list[AddressRecord]:
        """The records of the `count` known nodes nearest to `key`, nearest first."""
        entries = [entry for bucket in self._buckets.values() for entry in bucket.values()]
        entries.sort(key=lambda entry: distance(position(entry.record.device), key))
        return [entry.record for entry in entries[:count]]

    def _index(self, device: DeviceId) -> int:
        return distance(self._position, position(device)).bit_length()
