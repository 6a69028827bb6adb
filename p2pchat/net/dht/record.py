"""An address record: where one device can be reached, signed by that device.

It is the one kind of value in the table and also how the table's own nodes are introduced, so no
node has to be believed about another. A record lives at the position of its device, the hash of
the device's key, and nowhere else: whoever holds it can check that by itself.

Encoding: canonical CBOR, [body, signature], body = [1, device, issued_ms, roles, [address, ...]].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from p2pchat.core import codec, fields
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SIGNATURE_SIZE, SigningKey, tagged_hash, verify
from p2pchat.errors import DecodeError

VERSION: Final = 1
PURPOSE: Final = "address record"
MAX_ADDRESSES: Final = 8
MAX_ADDRESS: Final = 200  # bytes; a relayed address over IPv6 has 120
MAX_RECORD: Final = 2048  # bytes; seventeen fit into one answer (messages.py)

LIFETIME_MS: Final = 6 * 3600 * 1000
"""How long a record is worth keeping: a device that is up publishes anew long before."""
CLOCK_SKEW_MS: Final = 10 * 60 * 1000
"""How far into the future a record may be dated by a device whose clock is wrong."""


class Role(IntFlag):
    """What a reachable device does for others."""

    NONE = 0
    TABLE = 1
    """Keeps records and answers queries."""
    RELAY = 2
    """Relays connections to devices that cannot be reached directly."""


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """A device's statement about its addresses, verified."""

    device: DeviceId
    issued_ms: int
    """By the device's clock, ms since 1970. Of two records of one device the later one holds."""
    roles: Role
    addresses: tuple[str, ...]
    """Multiaddrs without the device's own /p2p/ part; none if it only wants to be known as gone."""
    encoded: bytes
    """The signed bytes: what is stored and handed on."""

    @classmethod
    def sign(cls, key: SigningKey, addresses: Sequence[str], *, issued_ms: int, roles: Role) -> Self:
        """The record of `key`'s device; addresses beyond the first MAX_ADDRESSES are left out."""
        device = DeviceId(key.public)
        kept = tuple(address for address in addresses if len(address.encode()) <= MAX_ADDRESS)[:MAX_ADDRESSES]
        body = codec.encode([VERSION, device, issued_ms, int(roles), kept])
        return cls(device, issued_ms, roles, kept, codec.encode([body, key.sign(PURPOSE, body)]))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The record in `data`, if its device signed it.

        Raises:
            ProtocolError: malformed, of another version, or not signed by its device.
        """
        envelope = fields.array(codec.decode(data, limit=MAX_RECORD), 2)
        body = fields.blob(envelope[0], most=MAX_RECORD)
        signature = fields.blob(envelope[1], least=SIGNATURE_SIZE, most=SIGNATURE_SIZE)
        values = fields.array(codec.decode(body), 5)
        if values[0] != VERSION:
            raise DecodeError("unknown version of an address record")
        device = fields.identifier(values[1], DeviceId)
        addresses = tuple(
            fields.text(address, least=1, most=MAX_ADDRESS)
            for address in fields.items(values[4], most=MAX_ADDRESSES)
        )
        roles = Role(fields.integer(values[3], high=int(Role.TABLE | Role.RELAY) + 1))
        issued_ms = fields.integer(values[2])
        verify(device, PURPOSE, body, signature)
        return cls(device, issued_ms, roles, addresses, data)

    def is_current(self, now_ms: int) -> bool:
        """Whether the record is neither outdated nor dated into the future at `now_ms`."""
        return now_ms - LIFETIME_MS < self.issued_ms <= now_ms + CLOCK_SKEW_MS


def position(device: DeviceId) -> bytes:
    """Where in the table `device` stands and its record is kept: 32 bytes."""
    return tagged_hash("dht-position", device)


def distance(one: bytes, other: bytes) -> int:
    """How far two positions are apart (XOR metric, Kademlia §2.1)."""
    return int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
