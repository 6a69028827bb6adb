"""Running a scenario from a seed.

Latencies, losses, jitter, identities, the order in which tasks run, and what the scenario itself draws
from `world.chances` follow from the seed. What does not: vodozemac draws its own keys, so ciphertexts
and hashes of entries differ between two runs of one seed, and with them ties that hashes break; and
Python's sets of bytes are ordered by PYTHONHASHSEED, which a run that has to be repeated should fix.
"""

from __future__ import annotations

import gc
import logging
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

import trio
import trio.testing
from nacl.bindings import crypto_sign_open
from trio._core import _run as scheduler  # the order of tasks is drawn there; Hypothesis reaches in alike

from p2pchat.core import keys
from p2pchat.node import node
from p2pchat.node.endure import one_error
from p2pchat.node.mailbox import holder
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.past import Left, Past, UnlivedError, keep
from p2pchat.testing.stores import all_rows, shared_memory
from p2pchat.testing.world import World

Scenario: TypeAlias = Callable[[World], Coroutine[object, object, None]]

_RARELY_S: Final = 7.0
_checked: Final = lru_cache(maxsize=4096)(crypto_sign_open)
LONGEST_S = 365 * 86_400.0  # of virtual time; a scenario that lasts so long waits for what never comes
_FEW_COLLECTIONS: Final = (200_000, 50, 100)


@dataclass(frozen=True, slots=True)
class Worlds:
    """Seeds of worlds of one size, for one scenario to run in."""

    seeds: range
    is_large: bool = False

    def run(self, scenario: Scenario, conditions: Conditions | None = None) -> None:
        """Run `scenario` in each of these worlds."""
        for seed in self.seeds:
            simulate(seed, scenario, conditions, is_large=self.is_large)

    def __str__(self) -> str:
        return f"{'large' if self.is_large else 'small'}-{self.seeds[0]}-{self.seeds[-1]}"


def simulate(
    seed: int, scenario: Scenario, conditions: Conditions | None = None, *, is_large: bool = True
) -> World:
    """Run `scenario` in a new world, which is returned for its counters alone.

    Whatever the scenario raises comes with the seed and the history in its notes. A bug that a node has
    survived, by ending one of its tasks alone, is raised at the end.
    """
    while True:
        try:
            return _simulate(seed, scenario, conditions or Conditions(), is_large=is_large)
        except UnlivedError as wanted:
            past = wanted.past
        keep(past, _live(past))


def _live(past: Past) -> Left:
    """Live through a past; what is left of it, as if the power of all went at its end."""
    ends: list[Left] = []

    async def scenario(world: World) -> None:
        people = await past.live(world, *past.args)
        stores = {person.name: person.look(all_rows) for person in people}
        ends.append(Left(stores, trio.current_time(), world.net.sent, world.net.frames))

    simulate(past.seed, scenario, past.conditions, is_large=False)
    return ends[0]


def _simulate(seed: int, scenario: Scenario, conditions: Conditions, *, is_large: bool) -> World:
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r.seed(seed)
    worlds: list[World] = []

    async def run(directory: Path) -> None:
        with one_error():
            async with trio.open_nursery() as nursery:
                worlds.append(World(seed, directory, conditions, nursery, is_large=is_large))
                with trio.fail_after(LONGEST_S):
                    await scenario(worlds[0])
                nursery.cancel_scope.cancel()

    with tempfile.TemporaryDirectory(dir=shared_memory()) as directory:
        try:
            with (
                _cheap_work(is_large=is_large),
                _shared_checks(),
                _rare_collections(),
                _survived_bugs() as bugs,
            ):
                trio.run(run, Path(directory), clock=trio.testing.MockClock(autojump_threshold=0))
            bugs += worlds[0].net.bugs
            if bugs:
                raise ExceptionGroup("bugs that the nodes survived", bugs)
        except UnlivedError:
            raise
        except BaseException as error:
            test = scenario.__qualname__.partition(".")[0]
            if not test.startswith("test_"):  # a function that tests share
                test = scenario.__module__.rpartition(".")[2]
            error.add_note("\n".join(worlds[0].history if worlds else ()))
            error.add_note(f"seed {seed}, is_large={is_large}; once more: make sim SEED={seed} ONLY={test}")
            raise
        finally:
            for world in worlds:
                for person in world.people:
                    person.leave()
    return worlds[0]


@contextmanager
def _cheap_work(*, is_large: bool) -> Iterator[None]:
    """Strangers work for what they leave with a friend; here a few hashes do, not a third of a second.

    And in small worlds nobody looks at the clock every other second.
    """
    limits, clock_s = holder.LIMITS, node.CLOCK_S
    setattr(holder, "LIMITS", replace(limits, stranger_bits=1))  # noqa: B010 - it is final to others
    setattr(node, "CLOCK_S", clock_s if is_large else _RARELY_S)  # noqa: B010
    try:
        yield
    finally:
        setattr(holder, "LIMITS", limits)  # noqa: B010
        setattr(node, "CLOCK_S", clock_s)  # noqa: B010


@contextmanager
def _shared_checks() -> Iterator[None]:
    """All whom a signature reaches check it; here the first finds out for all that have the same bytes."""
    setattr(keys, "crypto_sign_open", _checked)  # noqa: B010 - it is final to others
    try:
        yield
    finally:
        setattr(keys, "crypto_sign_open", crypto_sign_open)  # noqa: B010


@contextmanager
def _rare_collections() -> Iterator[None]:
    """A world lives for half a second: looking for garbage all the time would be a tenth of it."""
    before = gc.get_threshold()
    gc.set_threshold(*_FEW_COLLECTIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _survived_bugs() -> Iterator[list[Exception]]:
    bugs: list[Exception] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and isinstance(record.exc_info[1], Exception):
                bugs.append(record.exc_info[1])

    collector, logger = Collector(logging.ERROR), logging.getLogger("p2pchat.node")
    logger.addHandler(collector)
    try:
        yield bugs
    finally:
        logger.removeHandler(collector)
