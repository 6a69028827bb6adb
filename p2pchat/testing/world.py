"""People who chat over a simulated network: what a scenario is written in."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import trio

from p2pchat.api import schema as s
from p2pchat.store import people as people_rows
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.net import SimNet
from p2pchat.testing.past import ANEW, SHARED_BY, Left, Live, Past, left_of
from p2pchat.testing.person import Person
from p2pchat.testing.stores import BORN_MS, Tables

T = TypeVar("T")

LOOK_S: Final = 1.0  # how often a condition is looked at
LONGEST_S: Final = 3600.0  # more than any promise takes; only a fault waits so long


class World:
    """The people, the network between them, and what happened so far."""

    def __init__(
        self,
        seed: int,
        directory: Path,
        conditions: Conditions,
        nursery: trio.Nursery,
        *,
        is_large: bool = True,
    ) -> None:
        self.chances = random.Random(seed)
        self.is_large = is_large
        self.people: list[Person] = []
        self.history: list[str] = []
        self.net = SimNet(random.Random(f"net {seed}"), conditions, nursery)
        self._seed = seed
        self._leapt_s = 0.0
        self._directory = directory
        self._nursery = nursery

    def size(self, small: T, large: T) -> T:
        """What a scenario does in a small world, and what in a large one."""
        return large if self.is_large else small

    # --- people ----------------------------------------------------------------------------------

    async def person(self, name: str, *, skew_ms: int = 0) -> Person:
        """A new person, on line."""
        person = self.make(name)
        person.skew_ms = skew_ms
        await self.start(person)
        return person

    def make(self, name: str, kept: Tables | None = None) -> Person:
        """A new person whose node has not been started yet; or one with what a store has kept."""
        chances = random.Random(f"{name} {self._seed}")
        home = self._directory / name
        person = Person(name, home, self.net, self.now_ms, chances, has_file=self.is_large, kept=kept)
        self.people.append(person)
        return person

    async def persons(self, *names: str) -> list[Person]:
        """New people, on line."""
        return [await self.person(name) for name in names]

    async def befriend(self, one: Person, other: Person) -> None:
        """Make the two contacts; both must be on line and reach each other."""
        self.note(f"befriend {one} {other}")
        link = (await one.change("invite.create")).link
        await other.change("contact.add", s.AddContact(link=link))
        await self.until(lambda: bool(one.query("request.list").contacts), f"{other}'s request reaches {one}")
        await one.change("request.accept", s.Accept(who=other.id.text))
        await self.until(lambda: is_contact(other, one), f"{one}'s answer reaches {other}")

    async def group(self, name: str, founder: Person, *members: Person, history: str = "from-join") -> None:
        """A group of the founder's contacts, all of whom have joined when this returns."""
        self.note(f"group {name} {founder} {members}")
        await founder.change("group.create", s.CreateGroup(name=name, history=history))
        await self.invite(name, founder, *members)

    async def acquainted(self, *names: str) -> list[Person]:
        """New people who are contacts of the first of them."""
        return await self.behind(_acquaint, *names)

    async def found(self, *names: str, history: str = "from-join") -> list[Person]:
        """A group 'club' of new people who know its founder, the first of them, and each other as members."""
        return await self.behind(_found, history, *names)

    async def behind(self, live: Live, *args: Any) -> list[Person]:
        """The people of `live(world, *args)`; in most small worlds it was lived before.

        `live` is a function of a module, and nobody else is in the world yet.
        """
        if self.is_large or self.chances.random() < ANEW:
            return await live(self, *args)
        past = Past(live, args, self.net.conditions, self._seed // SHARED_BY)
        return await self._go_on(left_of(past))

    async def _go_on(self, left: Left) -> list[Person]:
        assert not self.people
        self.leap(left.lasted_s)
        self.net.sent += left.sent
        self.net.frames += left.frames
        for name, tables in left.stores.items():
            await self.start(self.make(name, tables))
        people = list(self.people)
        await self.until(lambda: all(map(is_among_his, people)), "all are connected")
        return people

    async def invite(self, group: str, host: Person, *guests: Person) -> None:
        """Contacts of `host` are invited and join."""
        for guest in guests:
            await host.change("group.invite", s.GroupWho(group=group, who=guest.id.text))
        for guest in guests:
            await self.until(partial(is_invited, guest, group), f"{guest} is invited")
            await guest.change("group.accept", s.GroupName(group=group))
        everybody = [host, *guests]
        await self.until(
            lambda: all(
                {member.id.text for member in everybody}
                <= {member.person for member in one.query("group.show", s.GroupName(group=group)).members}
                for one in everybody
            ),
            f"all have joined {group}",
        )

    async def say(self, person: Person, chat: str, text: str) -> str:
        """Write a text to a contact or a group; its id."""
        self.note(f"{person} says {text!r} to {chat}")
        message = await person.change("message.send", s.Send(chat=chat, text=text))
        id: str = message.id
        return id

    # --- the world's whims -----------------------------------------------------------------------

    async def start(self, person: Person) -> None:
        """Switch the node on, at an address of its own."""
        self.note(f"start {person}")
        number = self.people.index(person)
        await self._nursery.start(person.run, f"/ip4/10.0.{number // 250}.{number % 250 + 1}/tcp/4001")

    async def kill(self, *people: Person) -> None:
        """Cut the power of nodes that run."""
        for person in people:
            self.note(f"kill {person}")
            await person.kill()

    async def restart(self, *people: Person) -> None:
        """Cut the power, and switch on again."""
        for person in people:
            await self.kill(person)
            await self.start(person)

    def partition(self, *islands: Collection[Person]) -> None:
        """Let packets pass only within each island."""
        self.note(f"partition {islands}")
        self.net.partition(*({person.device for person in island} for island in islands))

    def heal(self) -> None:
        """Let packets pass everywhere."""
        self.note("heal")
        self.net.heal()

    async def pass_time(self, seconds: float) -> None:
        """Let the world go on for a while."""
        self.note(f"{seconds:.1f} s pass")
        await trio.sleep(seconds)

    def leap(self, seconds: float) -> None:
        """Let all clocks be later by so much, as if everybody had slept: days in which nothing happens."""
        self.note(f"leap over {seconds:.0f} s")
        self._leapt_s += seconds

    def now_ms(self) -> int:
        """The right time, in milliseconds since 1970."""
        return BORN_MS + int(1000 * (trio.current_time() + self._leapt_s))

    async def until(self, is_so: Callable[[], bool], what: str, *, within_s: float = LONGEST_S) -> None:
        """Let the world go on until something is so. Fails if it takes longer than `within_s`."""
        deadline = trio.current_time() + within_s
        while not is_so():
            assert trio.current_time() < deadline, f"not within {within_s} s: {what}"
            await trio.sleep(LOOK_S)

    def note(self, what: str) -> None:
        """Remember what was done, to be told if the scenario fails."""
        self.history.append(f"{trio.current_time():10.2f} {what}")


async def _acquaint(world: World, *names: str) -> list[Person]:
    people = await world.persons(*names)
    for other in people[1:]:
        await world.befriend(people[0], other)
    return people


async def _found(world: World, history: str, *names: str) -> list[Person]:
    people = await _acquaint(world, *names)
    await world.group("club", *people, history=history)
    return people


def is_invited(person: Person, group: str) -> bool:
    """Whether `person` has an invitation to a group that waits."""
    return any(one.name == group and one.state == "invited" for one in person.query("group.list").groups)


def is_among_his(person: Person) -> bool:
    """Whether `person` is connected with all whom he wants to be connected with."""
    return (
        person.node is not None
        and bool(person.node.network.state().peers)
        and not person.node.links.absences()
    )


def is_contact(one: Person, other: Person) -> bool:
    """Whether `one` has `other` as an accepted contact."""
    known = one.look(people_rows.person, other.id)
    return known is not None and known.state == "accepted"
