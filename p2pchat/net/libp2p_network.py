"""The `Network` over libp2p: the hardened host, its dialler, its streams and its gossip behind one door."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import trio
from libp2p.host.basic_host import BasicHost
from multiaddr import Multiaddr
from multiaddr.utils import get_thin_waist_addresses

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError
from p2pchat.net import changes
from p2pchat.net.config import Limits, NetworkConfig
from p2pchat.net.dialer import Dialer
from p2pchat.net.gossip import Gossip, running_gossip
from p2pchat.net.guard import Guard, range_of
from p2pchat.net.host import build_host, running
from p2pchat.net.network import Absence, Handler, NetworkEvent, NetworkState, PeerStatus, Topic, Validator
from p2pchat.net.peers import full_address, parse_address, peer_id_of
from p2pchat.net.presence import Presence
from p2pchat.net.services import Services
from p2pchat.net.streams import FrameStream, Streams

_PING_S: Final = 5.0
_SEARCH_S: Final = 10.0  # for addresses of a device that none of the known ones leads to
_BACKOFF_S: Final = (1.0, 300.0)  # first and longest pause between dials of a bootstrap node


class Libp2pNetwork:
    """`Network`; made by `open_network`. `host` and `swarm` are for the other modules of `net` alone."""

    def __init__(
        self, config: NetworkConfig, host: BasicHost, guard: Guard, presence: Presence, gossip: Gossip
    ) -> None:
        self.host = host
        self.guard = guard
        self._config = config
        self._swarm = host.get_network()
        self._presence = presence
        self._gossip = gossip
        self._dialer = Dialer(self._swarm, presence, config.address_book, proxied=config.proxy is not None)
        self._streams = Streams(host, guard, config.name)
        self._hurry = trio.Event()
        self._seeking: dict[DeviceId, tuple[str, float | None]] = {}  # why, and when the next dial is
        self._swarm.redial = self._dialer.connect
        self.services = Services(self, config, listening=self._listening, dial=self._dialer.connect)
        self._dialer.relay_dial = self.services.relays.dial

    @property
    def device(self) -> DeviceId:
        """See `Network`."""
        return DeviceId(self._config.key.public)

    def serve(self, protocol: str, handler: Handler, *, frame_limit: int) -> None:
        """See `Network`."""
        self._streams.serve(protocol, handler, frame_limit=frame_limit)

    def protect(self, peers: Collection[DeviceId]) -> None:
        """See `Network`."""
        self.guard.protected = set(peers)

    async def connect(self, peer: DeviceId, addresses: Sequence[str], *, search: bool = True) -> None:
        """See `Network`. The table and the LAN are searched."""
        try:
            await self._dialer.connect(peer, addresses)
        except NetworkError:
            if not search:
                raise
            found = await self.search(peer)
            if set(found) <= set(addresses):
                raise
            await self._dialer.connect(peer, found)

    async def probe(self, peer: DeviceId, address: str) -> str:
        """See `Network`."""
        return await self._dialer.probe(peer, address)

    async def search(self, peer: DeviceId) -> list[str]:
        """See `Network`."""
        with trio.move_on_after(_SEARCH_S):
            return await self.services.discovery.find(peer)
        return []

    async def open_stream(self, peer: DeviceId, protocol: str, *, frame_limit: int) -> FrameStream:
        """See `Network`."""
        if not self.is_connected(peer):
            raise NetworkError(f"{peer.short} is not connected")
        return await self._streams.open(peer, protocol, frame_limit=frame_limit)

    def is_connected(self, peer: DeviceId) -> bool:
        """See `Network`."""
        return self._presence.is_here(peer)

    async def disconnect(self, peer: DeviceId) -> None:
        """See `Network`."""
        await self._swarm.close_peer(peer_id_of(peer))

    def events(self) -> AsyncIterator[NetworkEvent]:
        """See `Network`."""
        return self._presence.events()

    def join(self, topic: str, validator: Validator) -> AbstractAsyncContextManager[Topic]:
        """See `Network`."""
        return self._gossip.join(topic, validator)

    def state(self) -> NetworkState:
        """See `Network`."""
        peers = (self._status(device) for device in self._presence.devices())
        return NetworkState(
            listening=tuple(self.advertised()),
            peers=tuple(filter(None, peers)),
            counters=dict(self.guard.counters),
            reachability=self.services.reachability.value,
            relays=self.services.keeper.relays(),
            absent=tuple(
                Absence(device, reason, None if at is None else max(0.0, at - trio.current_time()))
                for device, (reason, at) in self._seeking.items()
                if not self.is_connected(device)
            ),
        )

    def advertised(self) -> list[str]:
        """Full multiaddrs at which this node may be dialled, relayed ones included."""
        return [full_address(self.device, address) for address in self.services.addresses()]

    def _listening(self) -> list[str]:
        """What we listen on, without /p2p/; a wildcard becomes the addresses of the interfaces."""
        addresses: dict[str, None] = {}
        for multiaddr in self.host.get_addrs():
            _, address = parse_address(str(multiaddr))
            addresses.update(dict.fromkeys(_concrete(address)))
        outer = [address for address in addresses if not _is_loopback(address)]
        return outer or list(addresses)

    def set_limits(self, limits: Limits) -> None:
        """Let `limits` hold from now on; connections that are up stay."""
        self.guard.limits = limits
        self._swarm.connection_config.max_connections = limits.connections + limits.handshakes

    def hurry(self) -> None:
        """The network has changed: see who is still there, dial anew, and find out how we are reached now."""
        self.guard.counters["network_changes"] += 1
        for connection in self._swarm.get_connections():
            connection.muxed_conn.doubt()
        self.services.look_again()
        self._presence.moved()
        self._hurry.set()
        self._hurry = trio.Event()

    async def ping(self, peer: DeviceId) -> float:
        """See `Network`."""
        connections = self._swarm.get_connections(peer_id_of(peer))
        if not connections:
            raise NetworkError(f"{peer.short} is not connected")
        try:
            with trio.fail_after(_PING_S):
                took: float = await connections[-1].muxed_conn.ping()
        except trio.TooSlowError as error:
            raise NetworkError(f"{peer.short} does not answer a ping") from error
        return took

    def _status(self, device: DeviceId) -> PeerStatus | None:
        connections = self._swarm.get_connections(peer_id_of(device))
        if not connections:
            return None
        addresses = (str(address) for c in connections for address in c.get_transport_addresses())
        return PeerStatus(
            device,
            tuple(dict.fromkeys(addresses)),
            connections[0].direction.name.lower(),
            sum(len(c.get_streams()) for c in connections),
        )

    def range_of(self, peer: DeviceId) -> str:
        """The address range (IPv4 /24, IPv6 /56) that `peer` calls from; "" if it is gone or relayed."""
        status = self._status(peer)
        for address in status.addresses if status else ():
            _, kind, host, *rest = address.split("/")
            if kind in ("ip4", "ip6") and "p2p-circuit" not in rest:
                return range_of(host) or ""
        return ""

    async def _keep_connected(self, device: DeviceId, address: str) -> None:
        pause, longest = _BACKOFF_S
        reason = ""
        while True:
            hurry = self._hurry
            self._seeking[device] = reason, None
            try:
                await self.connect(device, [address])
            except NetworkError as error:
                reason = str(error)
                with trio.move_on_after(pause * random.uniform(0.5, 1.5)) as waiting:
                    self._seeking[device] = reason, waiting.deadline
                    await hurry.wait()
                pause = min(2 * pause, longest) if waiting.cancelled_caught else _BACKOFF_S[0]
            else:
                pause, reason = _BACKOFF_S[0], ""
                await self._presence.wait(device, here=False)


@asynccontextmanager
async def open_network(config: NetworkConfig) -> AsyncIterator[Libp2pNetwork]:
    """The network of `config` while the context is open; bootstrap nodes are dialled in the background.

    Raises:
        UsageError: an address in `config` is malformed.
        NetworkError: an address cannot be listened on (another process has the port).
    """
    bootstrap = [parse_address(text) for text in config.bootstrap]
    guard = Guard(config.limits)
    host = build_host(config.key, guard, config.psk, config.proxy)
    swarm = host.get_network()
    presence = Presence(swarm.get_connections)
    swarm.register_notifee(presence)
    failure: Exception | None = None
    async with running(host, config.listen), running_gossip(host, guard) as gossip:
        network = Libp2pNetwork(config, host, guard, presence, gossip)
        async with trio.open_nursery() as nursery:
            for device, address in bootstrap:
                if device != network.device:
                    nursery.start_soon(network._keep_connected, device, address)
            nursery.start_soon(network.services.run)
            nursery.start_soon(changes.watch, network.hurry)
            try:
                yield network
            except Exception as error:  # carried past libp2p's nurseries, which would wrap it in groups
                failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _concrete(address: str) -> list[str]:
    """`address` itself, or one for each interface if it is a wildcard."""
    if "/p2p-circuit" in address:
        return [address]
    return [str(each) for each in get_thin_waist_addresses(Multiaddr(address))]


def _is_loopback(address: str) -> bool:
    return address.startswith(("/ip4/127.", "/ip6/::1/"))
