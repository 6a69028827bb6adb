"""Idle nodes on libp2p, over loopback, in virtual time: what they send while nobody does anything.

A bootstrap node, the contacts and the node that is measured run in one process whose clock jumps from
one event to the next, so that 90 minutes take less than one. All are in one group.
"""

from __future__ import annotations

import random
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio
import trio.testing

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.node.address_book import StoredAddressBook
from p2pchat.node.node import running_node
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.person import Person
from p2pchat.testing.storage import Fuse, InlineStorage
from p2pchat.testing.world import World

LOOPBACK: Final = "/ip4/127.0.0.1/tcp/0"
SETTLE_S: Final = 600.0  # behind the last message
TRAFFIC: Final = ("sent_bytes", "received_bytes", "sent_messages", "received_messages")


class NetworkedPerson(Person):
    """A person of the simulator whose node runs on libp2p."""

    network: Libp2pNetwork

    async def run(self, bootstrap: str, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Run the node until cancelled."""
        book = StoredAddressBook(self.database, self.app.now_ms)
        chances = random.Random(self.name)
        storage = partial(InlineStorage, fuse=Fuse(lambda: None), chances=chances, disk_s=0.0)
        config = NetworkConfig(self.app.key, "idle", (LOOPBACK,), (bootstrap,), address_book=book)
        async with (
            open_network(config) as self.network,
            running_node(
                self.app, self.database, self.network, book, open_storage=storage, chances=chances
            ) as self.node,
        ):
            task_status.started()
            await trio.sleep_forever()


def traffic(network: Libp2pNetwork) -> dict[str, int]:
    """What the node has sent and received so far."""
    counters = network.state().counters
    return {name: counters.get(name, 0) for name in TRAFFIC}


async def idle(directory: Path, contacts: int, minutes: float) -> dict[str, float]:
    """Bytes and messages of the measured node in `minutes` of doing nothing."""
    async with trio.open_nursery() as nursery:
        world = World(1, directory, Conditions(), nursery)
        key = SigningKey(random.Random(0).randbytes(32))
        bootstrap = NetworkConfig(key, "idle", (LOOPBACK,), reach=Reach(public=True, relays=False))
        async with open_network(bootstrap) as server:
            for number in range(contacts + 1):
                name = f"p{number}"
                person = NetworkedPerson(name, directory / name, world.net, world.now_ms, random.Random(name))
                world.people.append(person)
                await nursery.start(person.run, server.advertised()[0])
            me, *others = world.people
            for other in others:
                await world.befriend(me, other)
            await world.group("trip", me, *others)
            await world.say(me, "#trip", "hello")
            await trio.sleep(SETTLE_S)
            assert isinstance(me, NetworkedPerson)
            assert len(me.network.state().peers) >= contacts
            before = traffic(me.network)
            await trio.sleep(60 * minutes)
            after = traffic(me.network)
            nursery.cancel_scope.cancel()
    return {name: after[name] - before[name] for name in TRAFFIC}


def measure(contacts: int, minutes: float) -> dict[str, float]:
    """Bytes and messages of a node that has done nothing for `minutes` of virtual time."""
    with tempfile.TemporaryDirectory() as directory:
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(idle, Path(directory), contacts, minutes, clock=clock)
