"""What a network needs to be told: keys, addresses, limits, and where addresses are remembered.

Free of libp2p, so that naming a configuration does not cost the second that importing it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.net.protocols import MAX_STREAMS_PER_PEER
from p2pchat.net.relay.limits import RelayLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may cost us. Whoever goes beyond is refused, counted, and banned if it is flagrant."""

    connections: int = 256
    connections_per_peer: int = 4  # a direct one, a relayed one, and a redial of either
    connections_per_range: int = 48  # one IPv4 /24 or IPv6 /56: a household or a café behind a NAT
    handshakes: int = 32  # inbound connections that have not yet proved a key
    streams_per_connection: int = 128  # inbound, of all protocols together
    streams_per_peer: int = MAX_STREAMS_PER_PEER  # inbound, of our own protocols
    streams_per_second: int = 100  # inbound, per connection, over a burst of `streams_per_connection`
    bytes_per_second: int = 64 * 1024 * 1024  # inbound, per connection; beyond it we read more slowly
    unread_per_connection: int = 8 * 1024 * 1024  # bytes received that no handler has read
    unread: int = 24 * 1024 * 1024  # the same for all connections together
    ban_s: float = 600.0


class AddressBook(Protocol):
    """Remembers where devices were reached; kept by whoever owns a store."""

    def addresses(self, device: DeviceId) -> Sequence[str]:
        """Addresses of `device` without the /p2p/ part, the most promising first."""
        ...

    def worked(self, device: DeviceId, address: str) -> None:
        """A connection to `device` was made through `address` just now."""
        ...

    def failed(self, device: DeviceId, address: str) -> None:
        """`address` did not answer as `device` just now."""
        ...


class MemoryAddressBook:
    """An address book that lasts as long as the process; the last address that worked comes first."""

    def __init__(self) -> None:
        self._addresses: dict[DeviceId, list[str]] = {}

    def addresses(self, device: DeviceId) -> Sequence[str]:
        """See `AddressBook`."""
        return tuple(self._addresses.get(device, ()))

    def worked(self, device: DeviceId, address: str) -> None:
        """See `AddressBook`."""
        known = self._addresses.setdefault(device, [])
        if address in known:
            known.remove(address)
        known.insert(0, address)
        del known[_ADDRESSES_KEPT:]

    def failed(self, device: DeviceId, address: str) -> None:
        """Move `address` to the end: it may work again from another network."""
        known = self._addresses.get(device, [])
        if address in known:
            known.remove(address)
            known.append(address)


_ADDRESSES_KEPT = 16


@dataclass(frozen=True, slots=True)
class Reach:
    """Ways to find others and to be found; each can be switched off."""

    table: bool = True  # look devices up in the network's table, and have our addresses kept there
    rendezvous: bool = True  # register at bootstrap nodes, and ask them for devices
    relays: bool = True  # while we cannot be dialled, be called through relays
    lan: bool = False  # announce ourselves in the LAN, where everybody can read it, and find others there
    port_mapping: bool = False  # ask the router to pass our port on to us
    hidden: bool = False  # tell nobody where we are, and dial nobody directly: only relays lead to us
    public: bool = False  # known to be reachable, so that nobody need be asked: a bootstrap node
    announce: tuple[str, ...] = ()  # our addresses without /p2p/, instead of those we listen on
    rendezvous_for_others: int = 0  # registrations of others kept: the node is a rendezvous point
    relay_for_others: RelayLimits | None = None  # pass on calls to devices that cannot be dialled


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """One device's place in one named overlay."""

    key: SigningKey = field(
        repr=False
    )  # the device's; its public half is the DeviceId and the libp2p peer id
    name: str  # of the overlay: part of every protocol id, so that overlays do not mix
    listen: tuple[str, ...] = ("/ip4/0.0.0.0/tcp/0",)
    bootstrap: tuple[str, ...] = ()  # full multiaddrs, kept connected
    psk: bytes | None = field(default=None, repr=False)  # 32 bytes: only holders can connect (libp2p pnet)
    address_book: AddressBook = field(default_factory=MemoryAddressBook, repr=False)
    limits: Limits = field(default_factory=Limits)
    reach: Reach = field(default_factory=Reach)
    proxy: tuple[str, int] | None = None  # SOCKS5, IP address and port: every dial goes through it
