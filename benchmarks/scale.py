"""How the cost of one message and of one removal grows with the group: `python -m benchmarks.scale 10 20 50`.

Real nodes in the simulator, so bytes and frames are those of the real protocols (without libp2p's own
headers and gossip's mesh), while seconds are of virtual time.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

from p2pchat.api import schema as s
from p2pchat.testing.oracles import check, settle
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

MESSAGES = 10


def main(sizes: list[int]) -> None:
    print("members | a message: kB, frames | a removal and the next message: kB, frames, CPU")
    rows: list[Row] = []
    for size in sizes:
        simulate(1, lambda world, size=size: measure(world, size, rows))
    Path("docs/scale.svg").write_text(plot(rows))


async def measure(world: World, size: int, rows: list[Row]) -> None:
    started = time.process_time()
    people = await world.persons(*(f"p{number:03}" for number in range(size)))
    founder, *others = people
    for other in others:
        await world.befriend(founder, other)
    await world.group("club", *people)
    await settle(world)
    await world.say(founder, "#club", "keys travel with the first message")
    await settle(world)
    built = time.process_time() - started

    quiet = await cost_of(world, None)
    said = await cost_of(world, [f"text {number}" for number in range(MESSAGES)])
    per_message = [(said[i] - quiet[i]) / MESSAGES for i in range(2)]

    started = time.process_time()
    before = sum(world.net.sent.values()), sum(world.net.frames.values())
    await founder.change("group.remove", s.RemoveMember(group="club", who=others[-1].id.text))
    await world.say(founder, "#club", "without him")
    await settle(world)
    spent = time.process_time() - started
    removal = sum(world.net.sent.values()) - before[0], sum(world.net.frames.values()) - before[1]
    check(world)
    rows.append((size, per_message[0] / 1000, removal[0] / 1000))
    print(
        f"{size:7} | {per_message[0] / 1000:8.1f} {per_message[1]:8.0f}"
        f" | {removal[0] / 1000:8.1f} {removal[1]:8} {spent:6.2f} s | built in {built:.0f} s of CPU",
        flush=True,
    )


Row = tuple[int, float, float]  # members, kB of a message, kB of a removal and the next message


def plot(rows: list[Row]) -> str:
    """The two costs over the number of members as an SVG, both axes logarithmic, beside slopes 1 and 2."""
    width, height, edge = 480, 320, 48
    sizes = [row[0] for row in rows]
    most = max(row[2] for row in rows)

    def place(members: float, kilobytes: float) -> tuple[float, float]:
        x = math.log(members / sizes[0]) / math.log(sizes[-1] / sizes[0])
        y = math.log(max(kilobytes, 1)) / math.log(most)
        return edge + x * (width - 2 * edge), height - edge - y * (height - 2 * edge)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="11">',
        f'<text x="{edge}" y="16">kB on the wire, all members together (log) over members (log)</text>',
    ]
    for column, colour, name in (
        (1, "#2563eb", "a message"),
        (2, "#dc2626", "a removal and the next message"),
    ):
        points = [place(row[0], row[column]) for row in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{line}"/>')
        for (x, y), row in zip(points, rows, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            parts.append(f'<text x="{x - 10:.1f}" y="{y - 7:.1f}" fill="{colour}">{row[column]:.0f}</text>')
        parts.append(f'<text x="{edge}" y="{16 * column + 16}" fill="{colour}">{name}</text>')
    for slope in (1, 2):
        ends = [place(size, rows[0][1] * (size / sizes[0]) ** slope) for size in (sizes[0], sizes[-1])]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in ends)
        parts.append(f'<polyline fill="none" stroke="#9ca3af" stroke-dasharray="3 3" points="{line}"/>')
        parts.append(
            f'<text x="{ends[1][0] - 34:.1f}" y="{ends[1][1] + 12:.1f}" fill="#6b7280">n^{slope}</text>'
        )
    for size in sizes:
        x, _ = place(size, 1)
        parts.append(f'<text x="{x - 6:.1f}" y="{height - edge + 16}">{size}</text>')
    return "\n".join([*parts, "</svg>", ""])


async def cost_of(world: World, texts: list[str] | None) -> tuple[int, int]:
    """Bytes and frames of a minute in which the founder writes `texts`."""
    before = sum(world.net.sent.values()), sum(world.net.frames.values())
    for text in texts or ():
        await world.say(world.people[0], "#club", text)
        await world.pass_time(1)
    await world.pass_time(60 - len(texts or ()))
    return sum(world.net.sent.values()) - before[0], sum(world.net.frames.values()) - before[1]


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10, 20, 50])
