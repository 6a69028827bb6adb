"""What one mailbox keeps up with: parcels of 1 kB left and collected at the same time, each on the disk.

`python -m benchmarks.mailbox [seconds]` starts a bootstrap node as an operator would, and several devices
in another process that leave parcels as fast as they are confirmed, while their owners collect and
confirm them. All of that shares the machine with whatever else runs on it: the CPU time of the node is
printed beside the rates.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import AsyncExitStack

import trio

from benchmarks.bootstrap import bootstrap_node, line
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.sealing import MailboxSecret, Parcel
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.node.mailbox.client import at_mailbox

PAIRS = 8  # owners, each with one contact
WINDOW = 16  # parcels under way at once, as a node has it
SECONDS = 20.0
WARM_UP_S = 2.0


class Pair:
    """An owner and his contact."""

    def __init__(self, network: Libp2pNetwork, address: str) -> None:
        self.network, self.address = network, address
        self.box = SigningKey(os.urandom(32))
        self.secret = MailboxSecret(os.urandom(32))
        self.pair = os.urandom(32)
        self.device = DeviceId(os.urandom(32))
        self.left = self.collected = 0

    async def begin(self, day: int) -> None:
        async with at_mailbox(self.network, self.address) as mailbox:
            await mailbox.visit(self.box, day)
            shown = tags.deposit_pass(self.pair, self.device, mailbox.device, day)
            await mailbox.admit([f.Admit(day, (tags.tag_of(shown),))])

    async def leave(self, day: int) -> None:
        hour = 24 * day + 48
        # Sealing is the sender's business: the parcels are made of one and a counter, which the mailbox
        # cannot tell from others.
        sample = Parcel(b"c" * 200, os.urandom(500), True).seal(self.secret.public)
        async with at_mailbox(self.network, self.address) as mailbox:
            shown = tags.deposit_pass(self.pair, self.device, mailbox.device, day)
            while True:
                parcels = [(self.left + i).to_bytes(8, "big") + sample[8:] for i in range(WINDOW)]
                answers = await mailbox.deposit([f.Deposit(shown, hour, one) for one in parcels])
                held = sum(isinstance(one, f.Held) for one in answers)
                self.left += held
                if held < WINDOW:
                    await trio.sleep(0.05)  # the box is full: the owner is behind

    async def collect(self, day: int) -> None:
        async with at_mailbox(self.network, self.address) as mailbox:
            await mailbox.visit(self.box, day)
            while True:
                found, _ = await mailbox.fetch(wait=True)
                await mailbox.taken(found)
                self.collected += len(found)


async def main(seconds: float) -> None:
    """Measure and print."""
    day = tags.day_of(time.time_ns() // 1_000_000)
    async with AsyncExitStack() as stack:
        process, address, _ = stack.enter_context(bootstrap_node())
        pairs = []
        for _ in range(PAIRS):
            config = NetworkConfig(
                key=SigningKey(os.urandom(32)),
                name="bench",
                listen=(),
                reach=Reach(table=False, relays=False),
            )
            pairs.append(Pair(await stack.enter_async_context(open_network(config)), address))
        for pair in pairs:
            await pair.begin(day)
        nursery = await stack.enter_async_context(trio.open_nursery())
        for pair in pairs:
            nursery.start_soon(pair.leave, day)
            nursery.start_soon(pair.collect, day)
        await trio.sleep(WARM_UP_S)
        left, collected = (sum(one.left for one in pairs), sum(one.collected for one in pairs))
        cpu, begin = process.cpu_times(), time.perf_counter()
        await trio.sleep(seconds)
        took, used = time.perf_counter() - begin, process.cpu_times()
        spent = used.user + used.system - cpu.user - cpu.system
        left, collected = (
            sum(one.left for one in pairs) - left,
            sum(one.collected for one in pairs) - collected,
        )
        print(f"{'one mailbox, parcels of 1 kB':34}{'figure':>12}")
        line("left, confirmed on the disk", left / took, "per s")
        line("collected and forgotten", collected / took, "per s")
        line("CPU of the node", 100 * spent / took, "%")
        line("CPU for one left and collected", 1000 * spent / max(collected, 1), "ms")
        line("memory of the node", process.memory_info().rss / 1e6, "MB")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]) if sys.argv[1:] else SECONDS)
