"""How the cost of one message and of one removal grows with the group: `python -m benchmarks.scale 10 20 50`.

Real nodes in the simulator, so bytes and frames are those of the real protocols (without libp2p's own
headers and gossip's mesh), while seconds are of virtual time.
"""

from __future__ import annotations

import sys
import time

from p2pchat.api import schema as s
from p2pchat.testing.oracles import check, settle
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

MESSAGES = 10


def main(sizes: list[int]) -> None:
    print("members | a message: kB, frames | a removal and the next message: kB, frames, CPU")
    for size in sizes:
        simulate(1, lambda world, size=size: measure(world, size))


async def measure(world: World, size: int) -> None:
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
    print(
        f"{size:7} | {per_message[0] / 1000:8.1f} {per_message[1]:8.0f}"
        f" | {removal[0] / 1000:8.1f} {removal[1]:8} {spent:6.2f} s | built in {built:.0f} s of CPU",
        flush=True,
    )


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
