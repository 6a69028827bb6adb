"""Networks on loopback for the tests of net."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network

Opener = Callable[..., Awaitable[Libp2pNetwork]]


async def _hold(config: NetworkConfig, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
    async with open_network(config) as network:
        task_status.started(network)
        await trio.sleep_forever()


@pytest.fixture
async def opened(nursery: trio.Nursery) -> Opener:
    """Opens networks that are closed when the test ends."""

    async def opener(**options: Any) -> Libp2pNetwork:
        settings: dict[str, Any] = {
            "key": SigningKey(os.urandom(32)),
            "name": "test",
            "listen": ("/ip4/127.0.0.1/tcp/0",),
        }
        return await nursery.start(_hold, NetworkConfig(**settings | options))

    return opener


@pytest.fixture
def deadline() -> Any:
    """A bound for waiting, so that a test that hangs fails; no assertion about time."""
    return lambda seconds=20.0: trio.fail_after(seconds)
