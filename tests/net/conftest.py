"""Networks on loopback for the tests of net."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.net.peers import parse_address

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


class Other:
    """A node in another process, which answers each line with one line of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    async def measure(self) -> dict[str, Any]:
        """What it has to tell now."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return await self.read_line()

    async def read_line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await trio.to_thread.run_sync(self.process.stdout.readline, abandon_on_cancel=True)
        assert line, f"the other process is dead, with exit code {self.process.wait()}"
        return json.loads(line)


class Victim(Other):
    """See _victim.py; it measures tasks, file descriptors, memory, counters and errors."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(process)
        self.addresses: list[str] = []
        self.protocols: list[str] = []

    @property
    def device(self) -> DeviceId:
        return parse_address(self.addresses[0])[0]

    @property
    def port(self) -> int:
        return int(parse_address(self.addresses[0])[1].rpartition("/")[2])


@pytest.fixture
def launch() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts scripts of this folder, which are killed when the test ends."""
    processes: list[subprocess.Popen[str]] = []

    def launch(script: str, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name(script)), *words]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield launch
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture
def victim_with(launch: Callable[..., subprocess.Popen[str]]) -> Callable[..., Awaitable[Victim]]:
    """Starts victims with the limits given as keyword arguments."""

    async def start(**limits: int) -> Victim:
        victim = Victim(launch("_victim.py", *(f"{name}={value}" for name, value in limits.items())))
        with trio.fail_after(30):
            first = await victim.read_line()
        victim.addresses, victim.protocols = first["addresses"], first["protocols"]
        return victim

    return start


@pytest.fixture
def honest_with(launch: Callable[..., subprocess.Popen[str]]) -> Callable[..., Awaitable[Other]]:
    """Starts honest peers of a victim, which measure round trips (see _honest.py)."""

    async def start(victim: Victim) -> Other:
        honest = Other(launch("_honest.py", victim.addresses[0]))
        with trio.fail_after(30):
            await honest.read_line()
        return honest

    return start
