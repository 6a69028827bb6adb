"""What a message and a removal cost as a group grows: `python -m benchmarks.scale 10 100 1000`.

Real nodes in the simulator, so bytes and frames are those of the real protocols (without libp2p's own
headers and gossip's mesh), while seconds are of virtual time. The group is made at once
(`testing.large`); from then on all is as it would be for real.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from p2pchat.api import schema as s
from p2pchat.store import outbox
from p2pchat.store.transaction import Reader
from p2pchat.testing.large import LargeGroup, large_group
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

MESSAGES: Final = 10
MEET_S: Final = 120.0  # by then all who look for each other's company have it
LOOK_S: Final = 2.0
LONGEST_S: Final = 1800.0
FIGURES: Final = Path("docs/scale.json")


def main(sizes: list[int]) -> None:
    """Measure groups of these sizes, and draw all that were ever measured."""
    print("members | a message: kB, frames, CPU, s | a removal and the next message: the same | keys waiting")
    for size in sizes:
        simulate(1, lambda world, size=size: measure(world, size))
    rows = [(one["members"], one["message"][0], one["removal"][0]) for one in known().values()]
    Path("docs/scale.svg").write_text(plot(sorted(rows)))


def known() -> dict[str, dict[str, list[float]]]:
    """What was measured so far, by the number of members."""
    return json.loads(FIGURES.read_text()) if FIGURES.exists() else {}


async def measure(world: World, size: int) -> None:
    """Build a group of `size`, let one write and one be removed, and print and keep what that cost."""
    begun = time.process_time()
    club = large_group(world, "club", size)
    founder, *_, last = club.people
    for person in club.people:
        await world.start(person)
    await world.pass_time(MEET_S)
    await world.say(founder, "#club", "keys travel with the first message")
    await level(world, club)
    await world.pass_time(60)
    built = time.process_time() - begun

    quiet = await cost_of_a_minute(world, club, 0)
    said = await cost_of_a_minute(world, club, MESSAGES)
    message = [round((said[i] - quiet[i]) / MESSAGES, 3) for i in range(3)] + [said[3]]

    rest = LargeGroup(club.id, club.people[:-1])
    before, started, began = meter(world), time.process_time(), world.now_ms()
    await founder.change("group.remove", s.RemoveMember(group="club", who=last.id.text))
    await world.say(founder, "#club", "without him")
    await level(world, rest)
    spent = meter(world) - before
    removal = [
        round(sum(spent[name] for name in spent if name.startswith("bytes")) / 1000, 1),
        sum(spent[name] for name in spent if name.startswith("frames")),
        round(time.process_time() - started, 2),
        (world.now_ms() - began) / 1000,
    ]
    waiting = founder.look(keys_waiting)
    check(rest)
    line = {"members": size, "message": message, "removal": removal, "waiting": waiting, "built": built}
    figures = known() | {str(size): line}
    FIGURES.write_text(json.dumps(dict(sorted(figures.items(), key=lambda one: int(one[0]))), indent=1))
    print(
        f"{size:7} | {message} | {removal} | {waiting} | {dict(spent)} | built in {built:.0f} s", flush=True
    )


async def level(world: World, club: LargeGroup) -> None:
    """Let the world go on until all hold the same log and can read it."""
    waited = 0.0
    while lagging := club.lagging():
        assert waited < LONGEST_S, f"{lagging} lag behind"
        await world.pass_time(LOOK_S)
        waited += LOOK_S


def check(club: LargeGroup) -> None:
    """Everybody shows the same texts, and counts the same people in."""
    shown = {tuple(one.look(texts, club)) for one in club.people}
    assert len(shown) == 1, "members show different texts"
    views = {one.look(one.app.groups.view, club.id).id for one in club.people}
    assert len(views) == 1, "members count different people in"


def texts(tx: Reader, club: LargeGroup) -> list[str]:
    """The texts of the group's chat."""
    rows = tx.execute(
        "SELECT text FROM message WHERE conversation = ? AND kind = 'text' ORDER BY lamport, id", (club.id,)
    )
    return [row[0] for row in rows]


def keys_waiting(tx: Reader) -> int:
    """How many devices a sender key waits for."""
    return sum(outbox.holds(tx, device, "group.key") for device in outbox.devices(tx))


def meter(world: World) -> Counter[str]:
    """What went over the network so far, by protocol."""
    counted = Counter({f"bytes {name}": count for name, count in world.net.sent.items()})
    return counted + Counter({f"frames {name}": count for name, count in world.net.frames.items()})


async def cost_of_a_minute(world: World, club: LargeGroup, messages: int) -> tuple[float, int, float, float]:
    """kB, frames and CPU of a minute in which the founder writes, and seconds until all have the last."""
    before, started = meter(world), time.process_time()
    for number in range(messages):
        await world.say(club.people[0], "#club", f"text {number}")
        await world.pass_time(3)
    began = world.now_ms()
    await level(world, club)
    took = (world.now_ms() - began) / 1000
    await world.pass_time(60 - 3 * messages - took)
    spent = meter(world) - before
    kilobytes = sum(spent[name] for name in spent if name.startswith("bytes")) / 1000
    frames = sum(spent[name] for name in spent if name.startswith("frames"))
    return kilobytes, frames, time.process_time() - started, took


Row = tuple[int, float, float]  # members, kB of a message, kB of a removal and the next message


def plot(rows: list[Row]) -> str:
    """The two costs over the number of members as an SVG, both axes logarithmic, beside slopes 1 and 2."""
    width, height, edge = 480, 320, 48
    sizes = [row[0] for row in rows]
    most = max(max(row[1:]) for row in rows)

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


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10, 20, 50, 100])
