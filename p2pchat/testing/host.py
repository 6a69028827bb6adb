"""One device's place in the simulated overlay: `net.network.Network` in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, P2PChatError
from p2pchat.net.network import (
    Handler,
    NetworkChanged,
    NetworkEvent,
    NetworkState,
    PeerConnected,
    PeerDisconnected,
    PeerStatus,
    Validator,
)
from p2pchat.net.protocols import MAX_STREAMS_PER_PEER
from p2pchat.node.address_book import StoredAddressBook
from p2pchat.testing.connections import Connection
from p2pchat.testing.streams import SimStream
from p2pchat.testing.topics import SimTopic

if TYPE_CHECKING:
    from trio_typing import TaskStatus

    from p2pchat.testing.net import SimNet

REFUSED_S: Final = 0.1  # a machine without a listener answers at once
SILENCE_S: Final = (1.0, 20.0)  # one that is not reached does not


class SimHost:
    """A device on line, at one address. `run` serves inbound streams."""

    def __init__(self, net: SimNet, device: DeviceId, address: str, book: StoredAddressBook) -> None:
        self.net = net
        self.address = address
        self.is_dead = False
        self._device = device
        self._book = book
        self._handlers: dict[str, tuple[Handler, int]] = {}
        self._connections: dict[DeviceId, list[Connection]] = {}
        self._inbound: Counter[DeviceId] = Counter()
        self._subscribers: list[trio.MemorySendChannel[NetworkEvent]] = []
        self._counters: Counter[str] = Counter()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    @property
    def device(self) -> DeviceId:
        """Our own device."""
        return self._device

    def serve(self, protocol: str, handler: Handler, *, frame_limit: int) -> None:
        """Answer inbound streams of `protocol`."""
        self._handlers[protocol] = handler, frame_limit

    def protect(self, peers: Collection[DeviceId]) -> None:
        """Places are never scarce here."""

    async def connect(self, peer: DeviceId, addresses: Sequence[str], *, search: bool = True) -> None:
        """Have a connection to `peer`: at one of `addresses`, remembered or found. Raises NetworkError."""
        await trio.lowlevel.checkpoint()
        if self.is_connected(peer):
            return
        found = self.net.hosts.get(peer)
        if found is None or self.is_dead:
            await trio.sleep(REFUSED_S)
            raise NetworkError("nobody answers there")
        await trio.sleep(3 * self.net.latency())
        if not self.net.reaches(self.device, peer):
            await trio.sleep(self.net.draw(*SILENCE_S))
            raise NetworkError("no answer")
        if self.net.hosts.get(peer) is not found:
            raise NetworkError("the host went away")
        self._book.worked(peer, found.address)
        if not self.is_connected(peer):
            connection = Connection(self, found)
            for host in connection.ends:
                host.gain(connection)

    async def probe(self, peer: DeviceId, address: str) -> str:
        """Dial `peer` once; why it failed, or nothing."""
        try:
            await self.connect(peer, [address])
        except NetworkError as error:
            return str(error)
        return ""

    async def search(self, peer: DeviceId) -> list[str]:
        """Where `peer` is, if it is on line."""
        await trio.lowlevel.checkpoint()
        found = self.net.hosts.get(peer)
        return [found.address] if found else []

    async def open_stream(self, peer: DeviceId, protocol: str, *, frame_limit: int) -> SimStream:
        """A new stream to a connected peer. Raises NetworkError."""
        connection = self._connection(peer)
        await trio.sleep(2 * self.net.latency())
        if connection.is_cut:
            await trio.sleep(self.net.draw(*SILENCE_S))
            raise NetworkError("no answer")
        other = connection.other(self)
        served = other._handlers.get(protocol)
        if served is None or other._nursery is None:
            raise NetworkError(f"the peer does not speak {protocol}")
        if other._inbound[self.device] >= MAX_STREAMS_PER_PEER:
            raise NetworkError("the peer has too many streams of ours")
        mine, his = self.net.open_pair(connection, self, protocol, (frame_limit, served[1]))
        other._nursery.start_soon(other._handle, served[0], his)
        return mine

    def is_connected(self, peer: DeviceId) -> bool:
        """Whether a connection to `peer` is up, as far as we know."""
        return bool(self._connections.get(peer))

    async def disconnect(self, peer: DeviceId) -> None:
        """Drop every connection to `peer`."""
        await trio.lowlevel.checkpoint()
        for connection in list(self._connections.get(peer, ())):
            self.net.hang_up(connection)

    def events(self) -> AsyncIterator[NetworkEvent]:
        """Connections coming and going, first those that are up."""
        sender, receiver = trio.open_memory_channel[NetworkEvent](float("inf"))
        self._subscribers.append(sender)
        for peer in self._connections:
            sender.send_nowait(PeerConnected(peer))
        return receiver

    @asynccontextmanager
    async def join(self, topic: str, validator: Validator) -> AsyncIterator[SimTopic]:
        """Take part in gossip on `topic`."""
        joined = SimTopic(self, topic, validator)
        self.net.listen(topic, joined)
        try:
            yield joined
        finally:
            self.net.leave(topic, joined)

    async def ping(self, peer: DeviceId) -> float:
        """Round trip in seconds. Raises NetworkError if not connected."""
        self._connection(peer)
        delay = 2 * self.net.latency()
        await trio.sleep(delay)
        return delay

    def state(self) -> NetworkState:
        """Addresses and peers as they are now."""
        return NetworkState(
            (f"{self.address}/p2p/{self.device.text}",),
            tuple(PeerStatus(peer, (), "outbound", 0) for peer in self._connections),
            dict(self._counters),
        )

    # --- for SimNet ------------------------------------------------------------------------------

    def moved(self) -> None:
        """The machine notices that it is in another network, or that it slept."""
        self._tell(NetworkChanged())

    def all_connections(self) -> list[Connection]:
        """Every connection that this end believes in."""
        return [one for several in self._connections.values() for one in several]

    def gain(self, connection: Connection) -> None:
        """A connection is up."""
        peer = connection.other(self).device
        self._connections.setdefault(peer, []).append(connection)
        if len(self._connections[peer]) == 1:
            self._tell(PeerConnected(peer))

    def lose(self, connection: Connection) -> None:
        """We notice that a connection is gone."""
        peer = connection.other(self).device
        if connection not in self._connections.get(peer, ()):
            return
        self._connections[peer].remove(connection)
        for pair in connection.streams:
            for stream in pair:
                if stream.peer == peer:
                    stream.lose()
        if not self._connections[peer]:
            del self._connections[peer]
            self._tell(PeerDisconnected(peer))

    def _connection(self, peer: DeviceId) -> Connection:
        connections = self._connections.get(peer)
        if not connections or self.is_dead:
            raise NetworkError("not connected")
        return connections[-1]

    def _tell(self, event: NetworkEvent) -> None:
        for subscriber in self._subscribers:
            subscriber.send_nowait(event)

    async def _handle(self, handler: Handler, stream: SimStream) -> None:
        self._inbound[stream.peer] += 1
        try:
            await handler(stream)
            await stream.close()
        except (P2PChatError, trio.TooSlowError):
            self._counters["dropped.handler_error"] += 1
            stream.reset()
        except Exception as error:
            self.net.bugs.append(error)
            stream.reset()
        finally:
            self._inbound[stream.peer] -= 1
