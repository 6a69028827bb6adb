"""From a relayed to a direct connection: both ends dial at the same moment (DCUtR).

Each NAT lets in what looks like the answer to a packet it has let out, so two dials that cross
become one TCP connection (RFC 9293 §3.5, simultaneous open). The device that was called through
the relay starts; the round trip over the relay tells when to dial. We dial from the port that we
listen on: most NATs keep that port, so it is the one that the other end can be told.

Specification: https://github.com/libp2p/specs/blob/master/relay/DCUtR.md. libp2p 0.8.1's own service
dials every address a stranger names, hundreds at a time; here a handful, and IP addresses only.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import trio
from libp2p.connection_types import ConnectionType
from libp2p.custom_types import TProtocol
from libp2p.host.exceptions import HostException
from libp2p.io.exceptions import IOException
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.relay.circuit_v2.pb import dcutr_pb2
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.hosted import HostedNetwork
from p2pchat.net.peers import device_of, peer_id_of
from p2pchat.net.relay.wire import read_message, write_message

logger = logging.getLogger(__name__)

DCUTR: Final = TProtocol("/libp2p/dcutr")
ROUNDS: Final = 3
MAX_ADDRESSES: Final = 6
_MESSAGE_S: Final = 15.0
_DIAL_S: Final = 4.0
_PLAIN_S: Final = 1.0  # a dial to an end that listens openly needs no more than a few round trips
_LONGEST_WAIT_S: Final = 2.0  # half a round trip, at most
_RELAY_GRACE_S: Final = 5.0  # what is on its way over the relay still arrives

HolePunch: Any = dcutr_pb2.HolePunch
_Dial = Callable[[Multiaddr, ID], Awaitable[None]]


class HolePuncher:
    """Upgrades relayed connections of one network; answers from the moment it is made.

    `addresses` says where a hole may be punched to: our external address with the port we listen on,
    and our addresses in the LAN, as multiaddrs without /p2p/.
    """

    def __init__(self, network: HostedNetwork, addresses: Callable[[], Sequence[str]]) -> None:
        self._host: Any = network.host
        self._swarm: Any = network.host.get_network()
        self._guard = network.guard
        self._device = network.device
        self._addresses = addresses
        self._busy: set[DeviceId] = set()
        self._host.set_stream_handler(DCUTR, self._serve)

    def has_direct(self, device: DeviceId) -> bool:
        """Whether a connection to `device` is up that needs no relay."""
        connections = self._swarm.get_connections(peer_id_of(device))
        return any(not _is_relayed(connection) for connection in connections)

    async def upgrade(self, device: DeviceId) -> bool:
        """Get a direct connection to `device`, who called us through a relay; whether there is one now."""
        if device in self._busy:
            return False
        self._busy.add(device)
        try:
            for _ in range(ROUNDS):
                if self.has_direct(device) or await self._start(device):
                    break
                await trio.sleep(_DIAL_S)  # the other end may still be dialling
        finally:
            self._busy.discard(device)
        return await self._conclude(device)

    async def _start(self, device: DeviceId) -> bool:
        try:
            with trio.fail_after(_MESSAGE_S):
                stream = await self._host.new_stream(peer_id_of(device), [DCUTR])
                try:
                    await self._punch(device, stream)
                finally:
                    await stream.close()
        except (
            NetworkError,
            ProtocolError,
            HostException,
            SwarmException,
            IOException,
            trio.TooSlowError,
        ) as error:
            logger.debug("Hole punching with %s: %s", device.short, error)
        return self.has_direct(device)

    async def _punch(self, device: DeviceId, stream: Any) -> None:
        asked_at = trio.current_time()
        await write_message(stream, self._connect_message())
        addresses = _dialable(await read_message(stream, HolePunch))
        half_trip = (trio.current_time() - asked_at) / 2
        await self._dial_all(device, addresses, self._plain, _PLAIN_S)
        if self.has_direct(device):
            return
        await write_message(stream, HolePunch(type=HolePunch.SYNC))
        await trio.sleep(min(half_trip, _LONGEST_WAIT_S))
        await self._dial_all(device, addresses, self._as_listener, _DIAL_S)

    async def _serve(self, stream: Any) -> None:
        device = device_of(stream.muxed_conn.peer_id)
        if device in self._busy and device < self._device:  # both have started: the smaller id goes on
            await stream.reset()
            return
        self._busy.add(device)
        try:
            with trio.fail_after(_MESSAGE_S):
                theirs = await read_message(stream, HolePunch)
                await write_message(stream, self._connect_message())
                await read_message(stream, HolePunch)
            await self._dial_all(device, _dialable(theirs), self._as_dialler, _DIAL_S)
        except ProtocolError as error:
            self._guard.drop("malformed hole punch", f"{device.short} ({error})")
            await stream.reset()
        except (NetworkError, trio.TooSlowError) as error:
            logger.debug("Hole punching for %s: %s", device.short, error)
            await stream.reset()
        finally:
            self._busy.discard(device)
            await stream.close()

    async def _dial_all(
        self, device: DeviceId, addresses: Sequence[Multiaddr], dial: _Dial, limit_s: float
    ) -> None:
        async def attempt(address: Multiaddr) -> None:
            try:
                await dial(address, peer_id_of(device))
            except Exception as error:  # libp2p has dozens of kinds; a hole that stays shut is no news
                logger.debug("Hole punching to %s: %s", device.short, type(error).__name__)
            if self.has_direct(device):
                nursery.cancel_scope.cancel()

        with trio.move_on_after(limit_s):
            async with trio.open_nursery() as nursery:
                for address in addresses:
                    nursery.start_soon(attempt, address)

    async def _plain(self, address: Multiaddr, peer: ID) -> None:
        """If the other end listens openly, no hole is needed.

        Not from the port that we listen on: a NAT that has seen a dial from there fail still takes
        the crossing dial that follows for its answer, and the handshake never ends.
        """
        await self._swarm.dial_addr(address, peer)

    async def _as_dialler(self, address: Multiaddr, peer: ID) -> None:
        await self._swarm.dial_addr(address, peer, self._source(address))

    async def _as_listener(self, address: Multiaddr, peer: ID) -> None:
        """Of a connection that both ends opened, the one who started is the listener (the specification)."""
        await self._swarm.dial_addr_as_responder(address, peer, self._source(address))

    def _source(self, target: Multiaddr) -> tuple[str, int] | None:
        """The wildcard address with the port that we listen on, of the same family as `target`."""
        family, anywhere = ("ip6", "::") if str(target).startswith("/ip6/") else ("ip4", "0.0.0.0")  # noqa: S104
        for address in self._host.get_transport_addrs():
            if address.protocols()[0].name == family:
                return anywhere, int(address.value_for_protocol("tcp"))
        return None

    async def _conclude(self, device: DeviceId) -> bool:
        if not self.has_direct(device):
            logger.info("No direct connection to %s; the relay stays.", device.short)
            return False
        logger.info("Directly connected to %s; the relay is no longer needed.", device.short)
        await trio.sleep(_RELAY_GRACE_S)
        for connection in self._swarm.get_connections(peer_id_of(device)):
            if _is_relayed(connection) and self.has_direct(device):
                await connection.close()
        return self.has_direct(device)

    def _connect_message(self) -> Any:
        message = HolePunch(type=HolePunch.CONNECT)
        message.ObsAddrs.extend(Multiaddr(text).to_bytes() for text in self._addresses()[:MAX_ADDRESSES])
        return message


def _dialable(message: Any) -> list[Multiaddr]:
    """The addresses in a CONNECT message that are an IP address and a TCP port; raises ProtocolError."""
    if message.type != HolePunch.CONNECT:
        raise ProtocolError("hole punching begins with CONNECT")
    addresses = []
    for raw in message.ObsAddrs[:MAX_ADDRESSES]:
        try:
            address = Multiaddr(raw)
            names = [protocol.name for protocol in address.protocols()]
        except Exception as error:  # multiaddr raises a dozen kinds
            raise ProtocolError("a malformed address") from error
        if names in (["ip4", "tcp"], ["ip6", "tcp"]):
            addresses.append(address)
    return addresses


def _is_relayed(connection: Any) -> bool:
    return bool(connection.get_connection_type() == ConnectionType.RELAYED)
