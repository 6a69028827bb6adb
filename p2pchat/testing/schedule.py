"""Schedules: random sequences of actions that can be drawn, run, and made shorter while they still fail.

An action holds plain numbers, which are taken modulo what there is when it runs. So every part of a
schedule is a schedule, and a failing one can be cut down (delta debugging, Zeller and Hildebrandt 2002).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from p2pchat.api import schema as s
from p2pchat.errors import P2PChatError
from p2pchat.testing.oracles import check, settle
from p2pchat.testing.person import Person
from p2pchat.testing.world import World

KINDS: Final = (
    *("say",) * 6,
    *("tell",) * 3,
    "owe",
    "decide",
    "kill",
    "kill soon",
    "start",
    "cut off",
    "heal",
    "wait",
    "leap",
    "rename",
    "demote",
    "promote",
)
MAX_LEAP_S: Final = 3 * 86_400
MAX_RUNS: Final = 200  # of a failing schedule while it is made shorter


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person does, or that happens to him."""

    kind: str
    who: int
    what: int

    def __repr__(self) -> str:
        return f"Action({self.kind!r}, {self.who}, {self.what})"


def draw(chances: random.Random, length: int) -> list[Action]:
    """A schedule of so many actions."""
    return [
        Action(chances.choice(KINDS), chances.randrange(1000), chances.randrange(1000)) for _ in range(length)
    ]


async def run(world: World, people: Sequence[Person], schedule: Sequence[Action]) -> None:
    """Carry out `schedule` among members of a group 'club' who are contacts of the first, then check all."""
    for number, action in enumerate(schedule):
        world.note(repr(action))
        person = people[action.who % len(people)]
        other = people[0] if person is not people[0] else people[1 + action.what % (len(people) - 1)]
        try:
            await _act(world, person, other, action, number)
        except P2PChatError as error:  # not allowed, or the power went meanwhile: as in life
            world.note(f"refused: {error}")
        await trio.sleep(action.what % 7)
    world.heal()
    await world.restart(*people)
    await settle(world)
    check(world)


async def _act(world: World, person: Person, other: Person, action: Action, number: int) -> None:
    match action.kind:
        case "say":
            await world.say(person, "#club", f"text {number}")
        case "tell":
            await world.say(person, f"@{other.name}", f"text {number}")
        case "owe":
            amount = f"{1 + action.what % 50}.00 EUR"
            await person.change("iou.pay", s.Pay(who=other.id.text, amount=amount, note=str(number)))
        case "decide":
            ious = person.query("iou.list", s.IouQuery()).ious
            for iou in [one for one in ious if one.mine_to_decide][:1]:
                await person.change("iou.accept" if action.what % 4 else "iou.reject", s.IouId(id=iou.id))
        case "kill":
            await world.kill(person)
        case "kill soon":
            if person.fuse:
                person.fuse.blow_after(1 + action.what % 9)
        case "start":
            if not person.is_up:
                await world.start(person)
        case "cut off":
            world.partition([person], [other])
        case "heal":
            world.heal()
        case "wait":
            await world.pass_time(action.what % 100)
        case "leap":
            world.leap(action.what / 1000 * MAX_LEAP_S)
        case "rename":
            await person.change("group.rename", s.RenameGroup(group="club", name="club"))
        case "demote" | "promote":
            role = "member" if action.kind == "demote" else "admin"
            await person.change("group.role", s.SetRole(group="club", role=role, who=other.id.text))


def shorten(schedule: Sequence[Action], fails: Callable[[Sequence[Action]], bool]) -> list[Action]:
    """A part of a failing schedule that still fails, and of which nothing can be left out as far as tried."""
    shortest, runs, size = list(schedule), 0, max(len(schedule) // 2, 1)
    while runs < MAX_RUNS:
        for start in range(0, len(shortest), size):
            candidate = shortest[:start] + shortest[start + size :]
            runs += 1
            if fails(candidate):
                shortest = candidate
                break
            if runs >= MAX_RUNS:
                return shortest
        else:
            if size == 1:
                return shortest
            size //= 2
    return shortest
