"""The `Network` of a node that is kept off every network: nobody is there, and nothing can be reached."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError
from p2pchat.net.network import Handler, NetworkChanged, NetworkEvent, NetworkState, Stream, Topic, Validator

WHY = "this node is kept off the network (run --offline)"


class OfflineNetwork:
    """`Network`."""

    def __init__(self, device: DeviceId) -> None:
        self._device = device

    @property
    def device(self) -> DeviceId:
        """See `Network`."""
        return self._device

    def serve(self, protocol: str, handler: Handler, *, frame_limit: int) -> None:
        """See `Network`: nobody will ask."""

    def protect(self, peers: Collection[DeviceId]) -> None:
        """See `Network`: there is no connection to keep."""

    async def connect(self, peer: DeviceId, addresses: Sequence[str], *, search: bool = True) -> None:
        """See `Network`."""
        await trio.lowlevel.checkpoint()
        raise NetworkError(WHY)

    async def probe(self, peer: DeviceId, address: str) -> str:
        """See `Network`."""
        await trio.lowlevel.checkpoint()
        return WHY

    async def search(self, peer: DeviceId) -> list[str]:
        """See `Network`."""
        await trio.lowlevel.checkpoint()
        return []

    async def open_stream(self, peer: DeviceId, protocol: str, *, frame_limit: int) -> Stream:
        """See `Network`."""
        await trio.lowlevel.checkpoint()
        raise NetworkError(WHY)

    def is_connected(self, peer: DeviceId) -> bool:
        """See `Network`."""
        return False

    async def disconnect(self, peer: DeviceId) -> None:
        """See `Network`."""
        await trio.lowlevel.checkpoint()

    async def events(self) -> AsyncIterator[NetworkEvent]:
        """See `Network`: nothing happens."""
        await trio.sleep_forever()
        yield NetworkChanged()

    def join(self, topic: str, validator: Validator) -> AbstractAsyncContextManager[Topic]:
        """See `Network`."""
        return _silence()

    async def ping(self, peer: DeviceId) -> float:
        """See `Network`."""
        await trio.lowlevel.checkpoint()
        raise NetworkError(WHY)

    def state(self) -> NetworkState:
        """See `Network`."""
        return NetworkState((), (), reachability="offline")


class _SilentTopic:
    """`Topic`: what is published waits for reconciliation, as every hint may have to."""

    async def publish(self, payload: bytes) -> None:
        """See `Topic`."""
        await trio.lowlevel.checkpoint()

    async def payloads(self) -> AsyncIterator[bytes]:
        """See `Topic`."""
        await trio.sleep_forever()
        yield b""


@asynccontextmanager
async def _silence() -> AsyncIterator[Topic]:
    yield _SilentTopic()
