"""A bootstrap node with a mailbox under churn for a long time: do memory and descriptors stay flat?

`python -m benchmarks.soak [minutes] [svg] [faster]` (30 unless told; `make soak`). Every second somebody new
connects, looks a device up, opens a mailbox or comes back to it, leaves and collects parcels, and hangs up or
just vanishes; with `faster`, so many times as many do so, each as much sooner. Every ten seconds the node's
memory, descriptors, threads and parcels are written down; at the end they are printed as a table and drawn.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import sys
import time
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import psutil
import trio

from benchmarks.bootstrap import SETTINGS, bootstrap_node
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.sealing import MailboxSecret, Parcel
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import open_network
from p2pchat.node.mailbox.client import at_mailbox

MINUTES: Final = 30.0
EVERY_S: Final = 1.0  # somebody comes
SAMPLE_S: Final = 10.0
AT_A_TIME: Final = 24
RETURNING: Final = 40  # owners who come back; the others come once
_WIDTH, _HEIGHT, _MARGIN = 720, 160, 40

_TOKEN: Final = "soak"
# Else each new box costs a second of the machine: too much if they come many times faster.
_FAST_SETTINGS: Final = SETTINGS.replace("[limits]", f'mailbox_token = "{_TOKEN}"\n[limits]')

Sample = tuple[float, float, int, int, int]  # minutes, MB, descriptors, threads, peers


class Visitor:
    """Somebody with a box."""

    def __init__(self) -> None:
        self.box = SigningKey(os.urandom(32))
        self.secret = MailboxSecret(os.urandom(32))
        self.pair, self.device = os.urandom(32), DeviceId(os.urandom(32))

    async def come(self, address: str, chances: random.Random, faster: float) -> None:
        """Do what people do, for some seconds, and go."""
        config = NetworkConfig(
            key=SigningKey(os.urandom(32)), name="bench", listen=(), reach=Reach(relays=False)
        )
        with contextlib.suppress(NetworkError, ProtocolError, ExceptionGroup):
            async with open_network(config) as network, at_mailbox(network, address) as mailbox:
                day = tags.day_of(time.time_ns() // 1_000_000)
                await mailbox.visit(self.box, day, _TOKEN)
                shown = tags.deposit_pass(self.pair, self.device, mailbox.device, day)
                await mailbox.admit([f.Admit(day, (tags.tag_of(shown),))])
                found, _ = await mailbox.fetch(wait=False)
                await mailbox.taken(found)
                parcels = [
                    Parcel(b"c" * 200, os.urandom(chances.choice((100, 2000, 9000))), True).seal(
                        self.secret.public
                    )
                    for _ in range(chances.randint(1, 8))
                ]
                await mailbox.deposit([f.Deposit(shown, 24 * day + 48, one) for one in parcels])
                await trio.sleep(chances.uniform(0, 15) / faster)
                if chances.random() < 0.5:
                    found, _ = await mailbox.fetch(wait=False)
                    await mailbox.taken(found)


async def main(minutes: float, faster: float) -> list[Sample]:
    """Run and print; what was sampled."""
    chances = random.Random(1)
    samples: list[Sample] = []
    with bootstrap_node(SETTINGS if faster == 1 else _FAST_SETTINGS) as (process, address, port):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_churn, address, chances, faster)
            begin = trio.current_time()
            while trio.current_time() < begin + 60 * minutes:
                await trio.sleep(SAMPLE_S)
                samples.append(_sample(process, port, (trio.current_time() - begin) / 60))
            nursery.cancel_scope.cancel()
        cpu = process.cpu_times()
        held, taken, records = (
            _metric(port, f"p2pchat_{name}")
            for name in ("mailbox_held_total", "mailbox_taken_total", "records")
        )
    print(f"{'minute':>8}{'MB':>8}{'files':>8}{'threads':>9}{'peers':>7}")
    for sample in samples[:: max(1, len(samples) // 15)]:
        print("{:8.1f}{:8.1f}{:8d}{:9d}{:7d}".format(*sample))
    settled = samples[len(samples) // 3 :]
    for name, column in (("MB", 1), ("files", 2)):
        values = [sample[column] for sample in settled]
        half = len(values) // 2
        first, second = sum(values[:half]) / half, sum(values[half:]) / (len(values) - half)
        print(f"{name} in the last two thirds: mean {first:.1f}, then {second:.1f}; most {max(values):.1f}")
    print(
        f"{held} parcels left, {taken} collected, {records} address records; "
        f"{cpu.user + cpu.system:.0f} s of CPU"
    )
    return samples


async def _churn(address: str, chances: random.Random, faster: float) -> None:
    regulars = [Visitor() for _ in range(RETURNING)]
    places = trio.CapacityLimiter(AT_A_TIME)

    async def come(visitor: Visitor) -> None:
        async with places:
            # Some vanish in the middle of what they do.
            with trio.move_on_after(chances.choice((3.0, 60.0, 60.0, 60.0))):
                await visitor.come(address, chances, faster)

    async with trio.open_nursery() as nursery:
        while True:
            visitor = chances.choice(regulars) if chances.random() < 0.9 else Visitor()
            nursery.start_soon(come, visitor)
            await trio.sleep(EVERY_S / faster * chances.uniform(0.5, 1.5))


def _sample(process: psutil.Process, port: int, minute: float) -> Sample:
    return (
        minute,
        process.memory_info().rss / 1e6,
        process.num_fds(),
        process.num_threads(),
        _metric(port, "p2pchat_peers"),
    )


def _metric(port: int, name: str) -> int:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        found = re.search(rf"^{name} (\d+)", answer.read().decode(), re.MULTILINE)
    assert found
    return int(found[1])


def _draw(samples: list[Sample]) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{3 * _HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for row, (name, column) in enumerate((("memory (MB)", 1), ("open files", 2), ("devices connected", 4))):
        top, values = row * _HEIGHT, [sample[column] for sample in samples]
        most = max(values) * 1.1 or 1
        points = " ".join(
            f"{_MARGIN + sample[0] / samples[-1][0] * (_WIDTH - 2 * _MARGIN):.1f},"
            f"{top + _HEIGHT - 25 - value / most * (_HEIGHT - 50):.1f}"
            for sample, value in zip(samples, values, strict=True)
        )
        base = top + _HEIGHT - 25
        parts += [
            f'<text x="{_MARGIN}" y="{top + 15}">{name}: at most {max(values):.0f}</text>',
            f'<line x1="{_MARGIN}" y1="{base}" x2="{_WIDTH - _MARGIN}" y2="{base}" stroke="#999"/>',
            f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>',
            f'<text x="{_WIDTH - _MARGIN}" y="{base + 15}" text-anchor="end">'
            f"{samples[-1][0]:.0f} minutes</text>",
        ]
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    given = sys.argv[1:] + [str(MINUTES), "docs/soak.svg", "1"][len(sys.argv) - 1 :]
    sampled = trio.run(main, float(given[0]), float(given[2]))
    Path(given[1]).write_text(_draw(sampled), encoding="utf-8")
