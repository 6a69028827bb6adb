"""Devices as libp2p sees them: peer ids, and full multiaddrs that name a device.

An Ed25519 peer id holds the key itself (libp2p specs, peer-ids: identity multihash of the protobuf
of the public key), so device and peer id turn into each other without a table.
"""

from __future__ import annotations

from typing import Final

from libp2p.peer.id import ID
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.errors import ProtocolError, UsageError

_ED25519_PREFIX: Final = bytes.fromhex("002408011220")  # identity hash, 36 bytes: key type 1, 32 bytes


def peer_id_of(device: DeviceId) -> ID:
    """The libp2p peer id of `device`."""
    return ID(_ED25519_PREFIX + device)


def device_of(peer: ID) -> DeviceId:
    """The device whose libp2p peer id is `peer`.

    Raises:
        ProtocolError: the peer id does not hold an Ed25519 key.
    """
    raw = peer.to_bytes()
    if not raw.startswith(_ED25519_PREFIX) or len(raw) != len(_ED25519_PREFIX) + DeviceId.size:
        raise ProtocolError("the peer's key is not an Ed25519 key")
    return DeviceId(raw[len(_ED25519_PREFIX) :])


def parse_address(text: str) -> tuple[DeviceId, str]:
    """The device that a full multiaddr names, and the address to dial it at.

    `/ip4/192.0.2.7/tcp/4001/p2p/12D3…` gives `/ip4/192.0.2.7/tcp/4001`; a relayed address keeps the
    relay: `/ip4/…/p2p/<relay>/p2p-circuit/p2p/<device>` gives `/ip4/…/p2p/<relay>/p2p-circuit`.

    Raises:
        UsageError: it is no multiaddr, or does not end in the peer id of a device.
    """
    head, separator, tail = text.strip().rpartition("/p2p/")
    try:
        if not separator or not head:
            raise ValueError("no /p2p/ part")
        return device_of(ID.from_string(tail)), str(Multiaddr(head))
    except Exception as error:  # multiaddr and base58 raise a dozen kinds
        raise UsageError(f"'{text}' is not an address such as /ip4/192.0.2.7/tcp/4001/p2p/12D3…") from error


def full_address(device: DeviceId, address: str) -> str:
    """`address` with the device it leads to: what invites and bootstrap lists hold."""
    return f"{address}/p2p/{peer_id_of(device)}"
