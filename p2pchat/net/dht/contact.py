"""A node of the table as others know it: who, and where to dial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from p2pchat.core.ids import DeviceId
from p2pchat.net.dht.record import AddressRecord


@dataclass(frozen=True, slots=True)
class Contact:
    """A device and its addresses, as far as they are known."""

    device: DeviceId
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, record: AddressRecord) -> Self:
        """What `record` says."""
        return cls(record.device, record.addresses)
