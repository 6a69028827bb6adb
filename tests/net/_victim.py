"""A node in a process of its own, for tests that attack it: `python _victim.py [limit=value …]`.

It prints its address and protocols, and a line of measurements for each line it reads.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys

import psutil
import trio

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import Limits, NetworkConfig, Reach
from p2pchat.net.libp2p_network import open_network
from p2pchat.net.relay.limits import RelayLimits

LIMIT = 64 * 1024


class Errors(logging.Handler):
    """Remembers what was logged as an error: by our code or by libp2p about itself."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.messages = []

    def emit(self, record):
        self.messages.append(self.format(record))


async def echo(stream):
    while frames := await stream.receive():
        await stream.send(frames)


async def never_reads(stream):
    await trio.sleep_forever()


def tasks():
    count, waiting = 0, [trio.lowlevel.current_root_task()]
    while waiting:
        task = waiting.pop()
        count += 1
        for nursery in task.child_nurseries:
            waiting += nursery.child_tasks
    return count


def measurements(network, errors):
    gc.collect()
    process = psutil.Process()
    return {
        "tasks": tasks(),
        "fds": process.num_fds(),
        "rss": process.memory_info().rss,
        "cpu": sum(process.cpu_times()[:2]),
        "connections": len(network.host.get_network().get_connections()),
        "unread": network.guard.unread,
        "counters": dict(network.guard.counters),
        "errors": errors.messages,
    }


async def main(limits):
    errors = Errors()
    logging.getLogger().addHandler(errors)
    reach = Reach(relay_for_others=RelayLimits(), rendezvous_for_others=100)
    config = NetworkConfig(
        SigningKey(os.urandom(32)), "test", ("/ip4/127.0.0.1/tcp/0",), limits=limits, reach=reach
    )
    async with open_network(config) as network, network.join("t", lambda payload: True):
        network.serve("echo/1", echo, frame_limit=LIMIT)
        network.serve("never/1", never_reads, frame_limit=LIMIT)
        protocols = [str(name) for name in network.host.get_mux().get_protocols() if name]
        print(json.dumps({"addresses": network.advertised(), "protocols": protocols}), flush=True)
        requests = trio.lowlevel.FdStream(os.dup(0))
        while await requests.receive_some(64):
            print(json.dumps(measurements(network, errors)), flush=True)


if __name__ == "__main__":
    options = {name: int(value) for name, value in (word.split("=") for word in sys.argv[1:])}
    trio.run(main, Limits(**options))
