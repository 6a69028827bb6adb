"""Who is connected now, told to whoever wants to know, without losing a quick reconnection."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import ProtocolError
from p2pchat.net.network import NetworkChanged, NetworkEvent, PeerConnected, PeerDisconnected
from p2pchat.net.peers import device_of, peer_id_of


class Presence:
    """A libp2p notifee that keeps the set of connected devices.

    Each stay of a device has a number, so that a listener who was slow still learns that a peer left
    and came back, and so has lost its streams; what is kept for a listener is one number per peer.
    """

    def __init__(self, connections_of: Callable[[Any], list[Any]]) -> None:
        self._connections_of = connections_of
        self._stays: dict[DeviceId, int] = {}
        self._count = 0
        self.places = 0  # how often the network of this machine has changed
        self._changed = trio.Event()

    def is_here(self, device: DeviceId) -> bool:
        """Whether a connection to `device` is up."""
        return device in self._stays

    def devices(self) -> tuple[DeviceId, ...]:
        """All connected devices."""
        return tuple(self._stays)

    async def wait(self, device: DeviceId, *, here: bool) -> None:
        """Return when `device` is connected (or, with `here` false, when it is not)."""
        while self.is_here(device) is not here:
            await self._changed.wait()

    def events(self) -> AsyncIterator[NetworkEvent]:
        """See `Network.events`."""
        return _Events(self)

    def moved(self) -> None:
        """The network of this machine has changed."""
        self.places += 1
        self._tell()

    def snapshot(self) -> tuple[dict[DeviceId, int], trio.Event]:
        """The number of each device's stay, and the event that tells of the next change."""
        return dict(self._stays), self._changed

    async def connected(self, network: Any, conn: Any) -> None:
        """libp2p: `conn` is up."""
        device = _device(conn)
        if device is not None and device not in self._stays:
            self._count += 1
            self._stays[device] = self._count
            self._tell()

    async def disconnected(self, network: Any, conn: Any) -> None:
        """libp2p: `conn` is gone."""
        device = _device(conn)
        if device in self._stays and not self._connections_of(peer_id_of(device)):
            del self._stays[device]
            self._tell()

    async def opened_stream(self, network: Any, stream: Any) -> None:
        """libp2p: of no interest."""

    async def closed_stream(self, network: Any, stream: Any) -> None:
        """libp2p: of no interest."""

    async def listen(self, network: Any, multiaddr: Any) -> None:
        """libp2p: of no interest."""

    async def listen_close(self, network: Any, multiaddr: Any) -> None:
        """libp2p: of no interest."""

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


def _device(conn: Any) -> DeviceId | None:
    try:
        return device_of(conn.muxed_conn.peer_id)
    except ProtocolError:
        return None


class _Events:
    """The differences between what a listener has been told and what is so."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._known: dict[DeviceId, int] = {}
        self._place = presence.places
        self._untold: deque[NetworkEvent] = deque()

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> NetworkEvent:
        while not self._untold:
            now, changed = self._presence.snapshot()
            left = [device for device, stay in self._known.items() if now.get(device) != stay]
            came = [device for device, stay in now.items() if self._known.get(device) != stay]
            self._untold.extend(map(PeerDisconnected, left))
            self._untold.extend(map(PeerConnected, came))
            self._known = now
            if self._place != self._presence.places:
                self._place = self._presence.places
                self._untold.append(NetworkChanged())
            if not self._untold:
                await changed.wait()
        await trio.lowlevel.checkpoint()
        return self._untold.popleft()
