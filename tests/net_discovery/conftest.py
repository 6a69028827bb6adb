"""Networks on loopback that know each other through one bootstrap node."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trio

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.net.relay.limits import RelayLimits

LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
UNREACHABLE: tuple[str, ...] = ()


class Overlay:
    """Opens nodes; each can be stopped, and all are when the test ends."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._scopes: dict[Libp2pNetwork, trio.CancelScope] = {}
        self._gone: dict[Libp2pNetwork, trio.Event] = {}
        self.bootstrap: Libp2pNetwork | None = None

    async def open(self, **options: Any) -> Libp2pNetwork:
        known = self.bootstrap.state().listening if self.bootstrap is not None else ()
        settings: dict[str, Any] = {
            "key": SigningKey(os.urandom(32)),
            "name": "test",
            "listen": LOOPBACK,
            "bootstrap": known,
        }
        return await self._nursery.start(self._hold, NetworkConfig(**settings | options))

    async def stop(self, network: Libp2pNetwork) -> None:
        self._scopes[network].cancel()
        await self._gone[network].wait()

    async def _hold(self, config: NetworkConfig, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        gone = trio.Event()
        with trio.CancelScope() as scope:
            async with open_network(config) as network:
                self._scopes[network], self._gone[network] = scope, gone
                task_status.started(network)
                await trio.sleep_forever()
        gone.set()


@pytest.fixture
async def overlay(nursery: trio.Nursery) -> AsyncIterator[Overlay]:
    """An overlay with a bootstrap node that relays, with limits that tests can reach."""
    overlay = Overlay(nursery)
    limits = RelayLimits(circuits_per_device=2, circuit_bytes=1024 * 1024)
    overlay.bootstrap = await overlay.open(reach=Reach(public=True, relay_for_others=limits))
    with trio.fail_after(60):
        yield overlay


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits until something holds; the test's deadline bounds it."""

    async def eventually(holds: Callable[[], object]) -> None:
        while not holds():  # noqa: ASYNC110 -- what is waited for tells nobody
            await trio.sleep(0.02)

    return eventually
