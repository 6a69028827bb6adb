"""What the node asks of any network: a few verbs, so that libp2p and the simulator are alike.

A `Network` is one device's place in an overlay. Peers are named by `DeviceId`; the network proves
that a stream's other end holds that device's key. Addresses are multiaddr text, opaque to the node.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from p2pchat.core.ids import DeviceId


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """The first connection to `peer` is up."""

    peer: DeviceId


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """The last connection to `peer` is gone."""

    peer: DeviceId


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """This machine has other addresses than before, or has slept: dials that failed may work now."""


NetworkEvent = PeerConnected | PeerDisconnected | NetworkChanged


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """What `p2pchat peers` shows of one connected peer."""

    peer: DeviceId
    addresses: tuple[str, ...]
    direction: str  # "inbound" | "outbound"
    streams: int


class Stream(Protocol):
    """A two-way sequence of frames to one authenticated peer. Each frame is at most the protocol's limit.

    One task may send while another receives; two senders (or two receivers) at once are a bug.
    """

    @property
    def peer(self) -> DeviceId:
        """The device at the other end, proved by the transport's handshake."""
        ...

    async def send(self, frames: Iterable[bytes]) -> None:
        """Write all frames in as few writes as possible; waits while the peer's window is full.

        Raises:
            NetworkError: the stream or the connection is gone.
        """
        ...

    async def receive(self) -> list[bytes]:
        """The frames that have arrived, at least one; [] once the peer has closed its side.

        Raises:
            ProtocolError: the peer announced a frame above the limit (before anything is allocated).
            NetworkError: the stream or the connection is gone.
        """
        ...

    async def close(self) -> None:
        """Tell the peer that we are done; never raises, never waits for long."""
        ...


Handler = Callable[[Stream], Awaitable[None]]
"""Serves one inbound stream; the stream is closed when it returns, reset when it raises."""

Validator = Callable[[bytes], bool]
"""Whether a gossip payload is worth keeping and forwarding; called with bytes from anyone; must be cheap."""


class Topic(Protocol):
    """A joined gossip topic. Delivery is a hint: payloads may be lost, repeated and reordered."""

    async def publish(self, payload: bytes) -> None:
        """Send `payload` (at most `protocols.GOSSIP_LIMIT` bytes) to whoever listens.

        Raises:
            UsageError: the payload is too large.
        """
        ...

    def payloads(self) -> AsyncIterator[bytes]:
        """Payloads of others, validated; the oldest is dropped when the reader is too slow."""
        ...


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a device that we want to be connected with is not."""

    device: DeviceId
    reason: str  # how the last dial failed, for people; empty before the first has ended
    retry_s: float | None  # until the next dial; None while one is under way


@dataclass(frozen=True, slots=True)
class NetworkState:
    """What `p2pchat net` shows."""

    listening: tuple[str, ...]  # full multiaddrs of this node, with /p2p/
    peers: tuple[PeerStatus, ...]
    counters: dict[str, int] = field(default_factory=dict)  # e.g. {"dropped.handler_error": 2}
    reachability: str = "unknown"  # "public" | "private": whether others can dial us
    relays: tuple[DeviceId, ...] = ()  # through which others call us meanwhile
    absent: tuple[Absence, ...] = ()  # bootstrap nodes that are not connected


class Network(Protocol):
    """One device's place in an overlay network."""

    @property
    def device(self) -> DeviceId:
        """Our own device."""
        ...

    def serve(self, protocol: str, handler: Handler, *, frame_limit: int) -> None:
        """Answer inbound streams of `protocol` (such as 'direct/1') with `handler`."""
        ...

    def protect(self, peers: Collection[DeviceId]) -> None:
        """Keep connections to these devices, and no others for their own sake, when places are scarce."""
        ...

    async def connect(self, peer: DeviceId, addresses: Sequence[str], *, search: bool = True) -> None:
        """Have a connection to `peer`, dialling `addresses` (and what is remembered) if there is none.

        With `search`, other addresses are looked for where those fail, which costs others some traffic.

        Raises:
            NetworkError: no address answered as that peer; the text says why.
        """
        ...

    async def probe(self, peer: DeviceId, address: str) -> str:
        """Dial a peer that is not connected at this one address; why it failed, or "" and it is connected."""
        ...

    async def search(self, peer: DeviceId) -> list[str]:
        """Where others say that `peer` is: the table, rendezvous, the LAN. Costs them some traffic."""
        ...

    async def open_stream(self, peer: DeviceId, protocol: str, *, frame_limit: int) -> Stream:
        """A new stream to a connected peer.

        Raises:
            NetworkError: not connected, or the peer does not speak `protocol`.
        """
        ...

    def is_connected(self, peer: DeviceId) -> bool:
        """Whether a connection to `peer` is up now."""
        ...

    async def disconnect(self, peer: DeviceId) -> None:
        """Drop every connection to `peer`; no-op if there is none."""
        ...

    def events(self) -> AsyncIterator[NetworkEvent]:
        """What happens from now on, first a `PeerConnected` for each connection that is up."""
        ...

    def join(self, topic: str, validator: Validator) -> AbstractAsyncContextManager[Topic]:
        """Take part in gossip on `topic` while the context is open."""
        ...

    async def ping(self, peer: DeviceId) -> float:
        """Round trip to a connected peer in seconds.

        Raises:
            NetworkError: no answer within the deadline.
        """
        ...

    def state(self) -> NetworkState:
        """Addresses, peers and counters as they are now."""
        ...
