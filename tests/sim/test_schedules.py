"""Whatever happens in whatever order: in the end all agree."""

from __future__ import annotations

import random
from collections.abc import Sequence

from p2pchat.api import schema as s
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.schedule import Action, draw, run, shorten
from p2pchat.testing.simulate import simulate
from p2pchat.testing.world import World

LENGTH = 40


def run_once(seed: int, schedule: Sequence[Action]) -> None:
    async def scenario(world: World) -> None:
        people = await world.found("ann", "bob", "cat", "dan")
        await run(world, people, schedule)
        balances = [
            {one.who: one.minor for one in person.query("iou.balance", s.BalanceQuery()).balances}
            for person in people
        ]
        for other, theirs in zip(people[1:], balances[1:], strict=True):
            assert balances[0].get(other.name, 0) == -theirs.get("ann", 0)

    simulate(seed, scenario, Conditions(loss=0.05))


def fails(seed: int, schedule: Sequence[Action]) -> bool:
    try:
        run_once(seed, schedule)
    except Exception:
        return True
    return False


def test_any_schedule_leaves_all_in_agreement(seed: int) -> None:
    """A failing schedule is shown as short as it still fails."""
    schedule = draw(random.Random(seed), LENGTH)
    if not fails(seed, schedule):
        return
    shortest = shorten(schedule, lambda part: fails(seed, part))
    run_once(seed, shortest)
    raise AssertionError(f"seed {seed} fails at times; the schedule: {shortest}")


def test_a_failing_schedule_is_cut_down_to_what_makes_it_fail() -> None:
    schedule = draw(random.Random(1), 50)
    culprits = {schedule[11], schedule[37]}
    assert set(shorten(schedule, lambda part: culprits <= set(part))) == culprits
