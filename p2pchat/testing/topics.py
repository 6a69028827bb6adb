"""Gossip in memory: payloads get lost, come several times, and overtake each other."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import trio

from p2pchat.errors import UsageError
from p2pchat.net.network import Validator
from p2pchat.net.protocols import GOSSIP_LIMIT

if TYPE_CHECKING:
    from p2pchat.testing.host import SimHost

QUEUE: Final = 256  # payloads that wait for a slow reader


class SimTopic:
    """`net.network.Topic`: one host's part in a topic."""

    def __init__(self, host: SimHost, name: str, validator: Validator) -> None:
        self.host = host
        self._name = name
        self._validator = validator
        self._under_way: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._changed = trio.Event()

    async def publish(self, payload: bytes) -> None:
        """Send `payload` to whoever listens. Raises UsageError if it is too large."""
        if len(payload) > GOSSIP_LIMIT:
            raise UsageError("the payload is too large for gossip")
        await trio.lowlevel.checkpoint()
        self.host.net.gossip(self._name, self, payload)

    def payloads(self) -> AsyncIterator[bytes]:
        """Payloads of others."""
        return self

    def arrive(self, payload: bytes, delay: float) -> None:
        """`payload` comes in `delay` seconds, if it is valid and we are not too slow."""
        if len(self._under_way) < QUEUE and self._validator(payload):
            self._number += 1
            heapq.heappush(self._under_way, (trio.current_time() + delay, self._number, payload))
            self._changed.set()

    def __aiter__(self) -> SimTopic:
        return self

    async def __anext__(self) -> bytes:
        while not self._under_way or self._under_way[0][0] > trio.current_time():
            with trio.move_on_at(self._under_way[0][0] if self._under_way else float("inf")):
                self._changed = trio.Event()
                await self._changed.wait()
        return heapq.heappop(self._under_way)[2]
