"""What the network costs on loopback: our streams beside a raw py-libp2p stream, gossip, an idle node.

`python -m benchmarks.net` prints one table. Streams of ours and of libp2p as it comes (its own host,
Noise and yamux, one 4-byte-framed echo) alternate in the same run, so that a noisy machine disturbs
both. Gossip runs among five processes. `python -m benchmarks.net idle` adds two minutes of an idle node.
"""

from __future__ import annotations

import json
import os
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.net.network import Stream
from p2pchat.net.peers import parse_address

LOOPBACK = "/ip4/127.0.0.1/tcp/0"
FRAME = bytes(200)
LIMIT = 64 * 1024
ROUNDS = 5
PINGS = 300
FRAMES = 100_000
GOSSIPERS = 5
RATE = 200
STEADY = 2000
BURST = 300
IDLE_S = 120.0
CONTACTS = 10

Round = Callable[[], Awaitable[float]]


# The other processes.


async def serve_ours() -> None:
    """A node that echoes and counts."""

    async def echo(stream: Stream) -> None:
        while frames := await stream.receive():
            await stream.send(frames)

    async def count(stream: Stream) -> None:
        seen = 0
        while frames := await stream.receive():
            seen += len(frames)
            if not frames[-1]:
                await stream.send([str(seen - 1).encode()])
                seen = 0

    async with open_network(NetworkConfig(SigningKey(os.urandom(32)), "bench", (LOOPBACK,))) as network:
        network.serve("echo/1", echo, frame_limit=LIMIT)
        network.serve("count/1", count, frame_limit=LIMIT)
        print(network.advertised()[0], flush=True)
        await _until_told()


async def serve_raw() -> None:
    """A host as libp2p makes it that echoes frames of `FRAME`'s size."""

    async def echo(stream: Any) -> None:
        while data := await stream.read(LIMIT):
            await stream.write(data)

    host = _raw_host()
    async with host.run([Multiaddr(LOOPBACK)]):
        host.set_stream_handler(TProtocol("/echo/1"), echo)
        print(host.get_addrs()[0], flush=True)
        await _until_told()


async def gossip(number: str, *addresses: str) -> None:
    """One of the gossipers: publishes when told, and prints how long each payload took to arrive."""
    async with (
        open_network(NetworkConfig(SigningKey(os.urandom(32)), "bench", (LOOPBACK,))) as network,
        network.join("bench", lambda payload: True) as topic,
    ):
        for address in addresses:
            device, place = parse_address(address)
            await network.connect(device, [place])
        print(network.advertised()[0], flush=True)
        took: list[float] = []

        async def listen() -> None:
            async for payload in topic.payloads():
                took.append(time.time() - struct.unpack("!d", payload[:8])[0])

        async def obey() -> None:
            async for line in _lines():
                name, count, pause = line.split()
                if name == "publish":
                    for _ in range(int(count)):
                        await topic.publish(struct.pack("!d", time.time()) + os.urandom(192))
                        await trio.sleep(float(pause))
                print(json.dumps(took), flush=True)
                if name == "clear":
                    took.clear()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            nursery.start_soon(obey)


async def _lines() -> Any:
    rest = b""
    async for data in trio.lowlevel.FdStream(os.dup(0)):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.decode()


async def _until_told() -> None:
    async for _ in trio.lowlevel.FdStream(os.dup(0)):
        pass


def _raw_host() -> Any:
    pair = create_new_key_pair()
    noise = Noise(pair, noise_privkey=create_noise_key_pair().private_key)
    return new_host(key_pair=pair, sec_opt={TProtocol(NOISE): noise}, muxer_opt={TProtocol(YAMUX): Yamux})


# Measuring.


class Child:
    """A process of this file that prints its address and obeys its input."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "benchmarks.net", *words]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.address = self.read()

    def read(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        """Give it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")


@contextmanager
def child(*words: str) -> Iterator[Child]:
    """A child that ends with the context."""
    it = Child(*words)
    try:
        yield it
    finally:
        it.process.kill()
        it.process.wait()


async def _seconds(times: int, step: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    for _ in range(times):
        await step()
    return (time.perf_counter() - began) / times


async def streams(ours: Child, raw: Child) -> dict[str, float]:
    """Round trips of both kinds, frames per second of ours, one frame and many frames a write."""
    host = _raw_host()
    async with (
        host.run([Multiaddr(LOOPBACK)]),
        open_network(NetworkConfig(SigningKey(os.urandom(32)), "bench", (LOOPBACK,))) as network,
    ):
        info = info_from_p2p_addr(Multiaddr(raw.address))
        await host.connect(info)
        raw_stream = await host.new_stream(info.peer_id, [TProtocol("/echo/1")])
        stream, counter = await _our_streams(network, ours)
        framed = len(FRAME).to_bytes(4, "big") + FRAME

        async def raw_round_trip() -> None:
            await raw_stream.write(framed)
            size = 0
            while size < len(framed):
                size += len(await raw_stream.read(len(framed) - size))

        async def our_round_trip() -> None:
            await stream.send([FRAME])
            await stream.receive()

        raw_times, our_times, rates = [], [], []
        for _ in range(ROUNDS):
            raw_times.append(await _seconds(PINGS, raw_round_trip))
            our_times.append(await _seconds(PINGS, our_round_trip))
            rates.append(await _frames_per_second(counter))
        await host.close()
    raw_ms, our_ms = statistics.median(raw_times) * 1e3, statistics.median(our_times) * 1e3
    return {
        "raw round trip, ms": raw_ms,
        "our round trip, ms": our_ms,
        "our round trip / raw": our_ms / raw_ms,
        "frames of 200 B per second, batched": statistics.median(rates),
    }


async def _our_streams(network: Libp2pNetwork, ours: Child) -> tuple[Stream, Stream]:
    device, place = parse_address(ours.address)
    await network.connect(device, [place])
    echo = await network.open_stream(device, "echo/1", frame_limit=LIMIT)
    return echo, await network.open_stream(device, "count/1", frame_limit=LIMIT)


async def _frames_per_second(counter: Stream) -> float:
    began = time.perf_counter()
    await counter.send([FRAME] * FRAMES)
    await counter.send([b""])
    (answer,) = await counter.receive()
    assert int(answer) == FRAMES
    return FRAMES / (time.perf_counter() - began)


def gossiping() -> dict[str, float]:
    """Steady and burst delivery among `GOSSIPERS` processes, all connected to all."""
    with ExitStack() as stack:
        nodes: list[Child] = []
        for number in range(GOSSIPERS):
            addresses = [node.address for node in nodes]
            nodes.append(stack.enter_context(child("gossip", str(number), *addresses)))
        time.sleep(3)  # for the mesh
        _tell_all(nodes, "clear 0 0")
        each = STEADY // GOSSIPERS
        _tell_all(nodes, f"publish {each} {GOSSIPERS / RATE}")
        time.sleep(2)
        steady = _tell_all(nodes, "clear 0 0")
        _tell_all(nodes[:1], f"publish {BURST} 0")
        time.sleep(3)
        burst = _tell_all(nodes[1:], "clear 0 0")
    times = sorted(took for node in steady for took in node)
    return {
        f"gossip {RATE}/s delivered, %": 100 * len(times) / (each * GOSSIPERS * (GOSSIPERS - 1)),
        f"gossip {RATE}/s median, ms": 1e3 * statistics.median(times),
        f"gossip {RATE}/s p99, ms": 1e3 * times[int(0.99 * len(times))],
        f"gossip burst of {BURST} delivered, %": 100 * sum(map(len, burst)) / (BURST * (GOSSIPERS - 1)),
    }


def _tell_all(nodes: list[Child], line: str) -> list[list[float]]:
    for node in nodes:
        node.tell(line)
    return [json.loads(node.read()) for node in nodes]


async def idle(ours: Child) -> dict[str, float]:
    """CPU, memory and traffic of a node that only keeps `CONTACTS` connections."""
    process = psutil.Process(ours.process.pid)
    device, place = parse_address(ours.address)

    async def contact(task_status: Any) -> None:
        config = NetworkConfig(SigningKey(os.urandom(32)), "bench", (LOOPBACK,))
        async with open_network(config) as network:
            await network.connect(device, [place])
            task_status.started()
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        for _ in range(CONTACTS):
            await nursery.start(contact)
        await trio.sleep(5)
        before = sum(process.cpu_times()[:2])
        await trio.sleep(IDLE_S)
        used = sum(process.cpu_times()[:2]) - before
        nursery.cancel_scope.cancel()
    return {
        f"idle CPU with {CONTACTS} contacts, %": 100 * used / IDLE_S,
        "memory, MB": process.memory_info().rss / 1e6,
    }


def run(*, with_idle: bool = False) -> dict[str, float]:
    """All figures."""
    with child("ours") as ours, child("raw") as raw:
        figures = trio.run(streams, ours, raw)
    figures |= gossiping()
    if with_idle:
        with child("ours") as ours:
            figures |= trio.run(idle, ours)
    return figures


CHILDREN: dict[str, Callable[..., Awaitable[None]]] = {
    "ours": serve_ours,
    "raw": serve_raw,
    "gossip": gossip,
}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in CHILDREN:
        trio.run(CHILDREN[sys.argv[1]], *sys.argv[2:])
    else:
        for name, value in run(with_idle="idle" in sys.argv).items():
            print(f"{name:45} {value:12.2f}")
