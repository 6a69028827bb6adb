"""Am I reachable? Asking others to dial us, and dialling others who ask.

A server dials the address from which the asker's connection comes, at ports the asker names, and
proves the asker's key there. No other address can be named, so the service dials nobody on another's
behalf; and since the answer to a dial is a handshake with our own key, a server cannot make us
believe that we are reachable when we are not. (libp2p's AutoNAT, version 1, asks for addresses, and
libp2p 0.8.1 answers "reachable" for every peer it is connected to, without a dial.)

    [port, ...]   ->   [address as the server sees it, [port that answered, ...]]
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import trio
from libp2p.connection_types import ConnectionType
from libp2p.security.pnet.protector import new_protected_conn
from multiaddr import Multiaddr

from p2pchat.core import codec, fields
from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.hosted import HostedNetwork
from p2pchat.net.network import Stream
from p2pchat.net.peers import full_address, peer_id_of

logger = logging.getLogger(__name__)

PROTOCOL: Final = "dialback/1"
FRAME_LIMIT: Final = 256
MAX_PORTS: Final = 4
ASK_S: Final = 15.0
_DIAL_S: Final = 5.0
_INTERVAL_S: Final = 10.0  # between two services to the same device
_REMEMBERED: Final = 1024  # devices whose last service is remembered
_AT_A_TIME: Final = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one server found out about us."""

    address: str
    """Our IP address as the server sees it."""
    ports: tuple[int, ...]
    """The ports at which it reached us: none of those we named if we are behind a NAT or firewall."""


class DialBack:
    """Serves the protocol from the moment it is made, and asks others."""

    def __init__(self, network: HostedNetwork) -> None:
        self._network = network
        self._swarm = network.host.get_network()
        self._served: dict[DeviceId, float] = {}
        self._limiter = trio.CapacityLimiter(_AT_A_TIME)
        network.serve(PROTOCOL, self._serve, frame_limit=FRAME_LIMIT)

    async def ask(self, server: DeviceId, ports: Sequence[int]) -> Verdict:
        """What `server`, to which we are directly connected, says of our TCP `ports`.

        Raises:
            NetworkError: it does not answer.
            ProtocolError: it answers nonsense.
        """
        self._swarm.expect_dial_back(peer_id_of(server), ASK_S)
        try:
            with trio.fail_after(ASK_S):
                stream = await self._network.open_stream(server, PROTOCOL, frame_limit=FRAME_LIMIT)
                try:
                    await stream.send([codec.encode(list(ports)[:MAX_PORTS])])
                    frames = await stream.receive()
                finally:
                    await stream.close()
        except trio.TooSlowError as error:
            raise NetworkError(f"{server.short} did not dial back in time") from error
        if not frames:
            raise NetworkError(f"{server.short} does not dial back")
        return _decode_verdict(frames[0], ports)

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(ASK_S):
            frames = await stream.receive()
        if not frames or not self._may_serve(stream.peer):
            return
        ports = [_port(value) for value in fields.items(codec.decode(frames[0]), most=MAX_PORTS)]
        address = self._address_of(stream.peer)
        if address is None:
            return
        reached = []
        async with self._limiter:
            for port in ports:
                if await self._answers(stream.peer, address, port):
                    reached.append(port)
        await stream.send([codec.encode([str(address), reached])])

    def _may_serve(self, device: DeviceId) -> bool:
        now = trio.current_time()
        last = self._served.pop(device, None)
        self._served[device] = now
        if len(self._served) > _REMEMBERED:
            del self._served[next(iter(self._served))]
        return last is None or now - last >= _INTERVAL_S

    def _address_of(self, device: DeviceId) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The address from which `device` connected, None if only through a relay or by our own dial."""
        for connection in self._swarm.get_connections(peer_id_of(device)):
            inbound = connection.direction.name == "INBOUND"
            if not inbound or connection.get_connection_type() == ConnectionType.RELAYED:
                continue
            for multiaddr in connection.get_transport_addresses():
                for name in ("ip4", "ip6"):
                    if name in (protocol.name for protocol in multiaddr.protocols()):
                        return ipaddress.ip_address(str(multiaddr.value_for_protocol(name)))
        return None

    async def _answers(self, device: DeviceId, address: Any, port: int) -> bool:
        """Whether a new connection to `address` and `port` proves the key of `device`."""
        target = Multiaddr(full_address(device, f"/ip{address.version}/{address}/tcp/{port}"))
        connection: Any = None
        try:
            with trio.fail_after(_DIAL_S):
                connection = await self._swarm.transport_manager.transport_for_dialing(target).dial(target)
                if self._swarm.psk is not None:
                    connection = new_protected_conn(connection, self._swarm.psk)
                peer = peer_id_of(device)
                connection = await self._swarm.upgrader.upgrade_security(connection, True, peer)
        except Exception as error:  # a dozen kinds, and all mean the same: not reachable there
            logger.debug("Dialling %s back failed: %s", device.short, type(error).__name__)
            return False
        finally:
            if connection is not None:
                with trio.move_on_after(1) as scope:
                    scope.shield = True
                    await connection.close()
        return True


def _port(value: codec.Value) -> int:
    return fields.integer(value, low=1, high=2**16)


def _decode_verdict(frame: bytes, asked: Sequence[int]) -> Verdict:
    answer = fields.array(codec.decode(frame), 2)
    ports = tuple(_port(value) for value in fields.items(answer[1], most=MAX_PORTS))
    text = fields.text(answer[0], most=45)
    try:
        address = str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ProtocolError("the server names no IP address") from error
    if not set(ports) <= set(asked):
        raise ProtocolError("the server names a port that was not asked for")
    return Verdict(address, ports)
