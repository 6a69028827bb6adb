"""What one bootstrap process carries: idle peers, look-ups, and relayed bytes beside direct ones.

`python -m benchmarks.bootstrap [peers]` starts a bootstrap node, connects that many light peers to it
(500 unless told, from other processes), and prints one table. The look-ups are measured while
the peers are connected; relayed and direct streams are measured in the same run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import trio
from libp2p.network.exceptions import SwarmException
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.net.config import Limits, NetworkConfig, Reach
from p2pchat.net.guard import Guard
from p2pchat.net.host import build_host, running
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.net.network import Stream
from p2pchat.net.peers import parse_address, peer_id_of

PEERS = 500
HELD = 500  # peers that one process plays; more, and it becomes too slow to answer keep-alives
IDLE_S = 10.0
LOOKUPS = 300
FRAME = 32 * 1024
FRAMES = 1024
SETTINGS = """
name = "bench"
listen = ["/ip4/127.0.0.1/tcp/0"]
metrics = "127.0.0.1:0"
[limits]
connections = 20000
connections_per_range = 20000
relay_kilobytes_per_second = 1000000
mailbox_deposits_per_second = 1000000
"""


@contextmanager
def bootstrap_node(settings: str = SETTINGS) -> Iterator[tuple[psutil.Process, str, int]]:
    """A bootstrap node in its own process, its address, and the port of its metrics."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "bootstrap.toml").write_text(settings)
        command = [sys.executable, "-m", "p2pchat_bootstrap", "run", "--home", home, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            try:
                yield psutil.Process(process.pid), ready["addresses"][0], ready["metrics_port"]
            finally:
                process.terminate()


async def hold_peers(address: str, count: int) -> None:
    """Connect `count` light peers, say so on stdout, and keep them until stdin ends."""
    device, dial = parse_address(address)
    async with trio.open_nursery() as nursery:

        async def peer(task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
            host = build_host(SigningKey(os.urandom(32)), Guard(Limits()), None)
            async with running(host, ()):
                while not host.get_connected_peers():
                    with suppress(SwarmException):  # this process holds them all and may be slow to answer
                        await host.get_network().dial_addr(Multiaddr(dial), peer_id_of(device))
                task_status.started()
                await trio.sleep_forever()

        for _ in range(count):
            await nursery.start(peer)
        print("connected", flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


async def main(count: int) -> None:
    with bootstrap_node() as (process, address, metrics_port):
        await trio.sleep(1)
        print(f"{'one bootstrap process':34}{'figure':>12}")
        empty = process.memory_info().rss
        begin = time.perf_counter()
        holders = [hold(address, min(HELD, count - first)) for first in range(0, count, HELD)]
        for holder in holders:
            assert holder.stdout is not None
            if not await trio.to_thread.run_sync(holder.stdout.readline):
                sys.exit("a process that holds peers has died")
        took = time.perf_counter() - begin
        connected = peers(metrics_port)
        line("peers connected", connected, "")
        line("connecting them", connected / took, "per s")
        line("memory without peers", empty / 1e6, "MB")
        line("memory per connected peer", (process.memory_info().rss - empty) / connected / 1e3, "kB")
        before = process.cpu_times()
        await trio.sleep(IDLE_S)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        line("CPU while all are idle", 100 * used / IDLE_S, "%")
        line("look-ups by one client", await lookups(address), "per s")
        line("peers still connected", peers(metrics_port), "")
        for holder in holders:
            holder.kill()
            holder.wait()
        direct, relayed = await throughput(address)
        line("direct stream", direct, "MB/s")
        line("relayed stream", relayed, "MB/s")


def hold(address: str, count: int) -> subprocess.Popen[bytes]:
    """A process that holds so many peers."""
    command = [sys.executable, "-m", "benchmarks.bootstrap", "peers", address, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def peers(metrics_port: int) -> int:
    """How many the node itself counts."""
    with urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return int(re.search(r"^p2pchat_peers (\d+)$", text, re.MULTILINE)[1])  # type: ignore[index]


def line(what: str, figure: float, unit: str) -> None:
    print(f"{what:34}{figure:12.1f} {unit}", flush=True)


async def lookups(address: str) -> float:
    async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "bench", (), (address,))) as network:
        while not network.state().peers:  # noqa: ASYNC110
            await trio.sleep(0.05)
        table = network.services.table
        assert table is not None
        begin = time.perf_counter()
        for _ in range(LOOKUPS):
            await table.find(DeviceId(os.urandom(32)))
        return LOOKUPS / (time.perf_counter() - begin)


async def throughput(address: str) -> tuple[float, float]:
    """MB/s to one receiver over a direct and over a relayed connection."""

    async def swallow(stream: Stream) -> None:
        left = FRAMES
        while left:
            left -= len(await stream.receive())
        await stream.send([b"done"])

    async def measure(listen: tuple[str, ...]) -> float:
        def config(listen: tuple[str, ...]) -> NetworkConfig:
            return NetworkConfig(SigningKey(os.urandom(32)), "bench", listen, (address,), reach=Reach())

        async with open_network(config(listen)) as receiver, open_network(config(())) as sender:
            receiver.serve("swallow/1", swallow, frame_limit=FRAME)
            while not (receiver.services.addresses() and sender.state().peers):  # noqa: ASYNC110
                await trio.sleep(0.05)
            await sender.connect(receiver.device, receiver.services.addresses())
            return await send(sender, receiver)

    return await measure(("/ip4/127.0.0.1/tcp/0",)), await measure(())


async def send(sender: Libp2pNetwork, receiver: Libp2pNetwork) -> float:
    stream = await sender.open_stream(receiver.device, "swallow/1", frame_limit=FRAME)
    begin = time.perf_counter()
    for _ in range(FRAMES // 8):
        await stream.send([b"x" * FRAME] * 8)
    await stream.receive()
    return FRAME * FRAMES / 1e6 / (time.perf_counter() - begin)


if __name__ == "__main__":
    if sys.argv[1:2] == ["peers"]:
        trio.run(hold_peers, sys.argv[2], int(sys.argv[3]))
    else:
        trio.run(main, int(sys.argv[1]) if sys.argv[1:] else PEERS)
