"""An honest peer in a process of its own: `python _honest.py ADDRESS`.

It keeps one stream to the node at ADDRESS and measures a round trip every few milliseconds, and how much
later than it wanted the machine let it go on. It prints a line when it is connected, and what it has
measured so far for each line it reads.
"""

from __future__ import annotations

import json
import os
import sys
import time

import trio

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import open_network
from p2pchat.net.peers import parse_address

PAUSE_S = 0.005
FRAME = bytes(200)


def percentile(times, share):
    return sorted(times)[int(share * (len(times) - 1))]


async def main(address):
    device, place = parse_address(address)
    times, late = [], []

    async def measure(stream):
        while True:
            began = time.perf_counter()
            await stream.send([FRAME])
            assert await stream.receive() == [FRAME]
            times.append(1000 * (time.perf_counter() - began))
            began = time.perf_counter()
            await trio.sleep(PAUSE_S)
            late.append(1000 * (time.perf_counter() - began - PAUSE_S))

    config = NetworkConfig(SigningKey(os.urandom(32)), "test", ("/ip4/127.0.0.1/tcp/0",))
    async with open_network(config) as network, trio.open_nursery() as nursery:
        await network.connect(device, [place])
        stream = await network.open_stream(device, "echo/1", frame_limit=65536)
        nursery.start_soon(measure, stream)
        print("{}", flush=True)
        requests = trio.lowlevel.FdStream(os.dup(0))
        while await requests.receive_some(64):
            told = {"count": len(times), "median": percentile(times, 0.5), "p99": percentile(times, 0.99)}
            told["late"] = percentile(late, 0.99) if late else 0.0
            print(json.dumps(told | {"worst": max(times)}), flush=True)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
