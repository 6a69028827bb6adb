"""Building and running the libp2p host: Noise and yamux, nothing that a stranger could talk us down to.

The default host of libp2p also offers secio and plaintext, and mplex; an active attacker then strips
encryption and authentication together (shown in tests/net/test_host.py).
"""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import trio
from libp2p.crypto import ed25519, x25519
from libp2p.crypto.keys import KeyPair
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.transport.tcp.tcp import TCP
from multiaddr import Multiaddr

from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError, UsageError
from p2pchat.net.guard import Guard
from p2pchat.net.patches import install
from p2pchat.net.socks import ProxiedTCP
from p2pchat.net.swarm import PeerSwarm
from p2pchat.net.upgrader import Upgrader
from p2pchat.net.yamux.connection import YamuxConnection

_CLOSE_S: Final = 3.0  # for saying goodbye to every peer


def build_host(
    key: SigningKey, guard: Guard, psk: bytes | None, proxy: tuple[str, int] | None = None
) -> BasicHost:
    """A host that owns `key` and dials through the SOCKS5 `proxy`, if there is one; not listening yet."""
    logging.getLogger("libp2p").setLevel(logging.CRITICAL)  # it reports every stranger's fault as an error
    install()
    private = ed25519.Ed25519PrivateKey.from_bytes(key.seed)
    pair = KeyPair(private, private.get_public_key())
    peer = ID.from_pubkey(pair.public_key)
    peerstore = PeerStore()
    peerstore.add_key_pair(peer, pair)
    noise = Noise(pair, noise_privkey=x25519.create_new_key_pair().private_key)
    upgrader = Upgrader({TProtocol(NOISE): noise}, {TProtocol(YAMUX): partial(YamuxConnection, guard)})
    transport = TCP() if proxy is None else ProxiedTCP(proxy)
    swarm = PeerSwarm(guard, peer, peerstore, upgrader, [transport], psk=psk.hex() if psk else None)
    return BasicHost(network=swarm)


@asynccontextmanager
async def running(host: BasicHost, listen: Sequence[str]) -> AsyncIterator[None]:
    """Listen on the multiaddrs `listen` while the context is open; peers are told when it closes.

    Raises:
        UsageError: a listen address is no /ip4|ip6/…/tcp/… multiaddr.
        NetworkError: an address cannot be listened on.
    """
    addresses = [_listen_address(text) for text in listen]
    for address in addresses:
        _probe(address)
    async with host.run(addresses):
        listening = [str(address) for address in host.get_transport_addrs()]
        if len(listening) < len(addresses):
            raise NetworkError(f"cannot listen on {', '.join(listen)}")
        try:
            yield
        finally:
            with trio.move_on_after(_CLOSE_S) as scope:
                scope.shield = True
                await host.close()


def _listen_address(text: str) -> Multiaddr:
    try:
        address = Multiaddr(text)
        _host_and_port(address)
    except Exception as error:  # multiaddr raises a dozen kinds
        raise UsageError(f"'{text}' is not an address to listen on, such as /ip4/0.0.0.0/tcp/4001") from error
    return address


def _probe(address: Multiaddr) -> None:
    """Refuse a port that another process listens on.

    libp2p listens with SO_REUSEPORT (for hole punching), and so two nodes of one user would share a
    port without noticing and each get half of the connections.
    """
    family, host, port = _host_and_port(address)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise NetworkError(f"cannot listen on {address}: {reason.lower()}") from error


def _host_and_port(address: Any) -> tuple[socket.AddressFamily, str, int]:
    names = [protocol.name for protocol in address.protocols()]
    if names not in (["ip4", "tcp"], ["ip6", "tcp"]):
        raise ValueError("not an IP address and a TCP port")
    family = socket.AF_INET if names[0] == "ip4" else socket.AF_INET6
    return family, str(address.value_for_protocol(names[0])), int(address.value_for_protocol("tcp"))
