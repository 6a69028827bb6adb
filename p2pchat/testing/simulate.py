"""Running a scenario from a seed.

Latencies, losses, jitter, identities, the order in which tasks run, and what the scenario itself draws
from `world.chances` follow from the seed. What does not: vodozemac draws its own keys, so ciphertexts
and hashes of entries differ between two runs of one seed, and with them ties that hashes break; and
Python's sets of bytes are ordered by PYTHONHASHSEED, which a run that has to be repeated should fix.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import trio
import trio.testing
from trio._core import _run as scheduler  # the order of tasks is drawn there; Hypothesis reaches in alike

from p2pchat.node.endure import one_error
from p2pchat.node.mailbox import holder
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.world import World

Scenario: TypeAlias = Callable[[World], Awaitable[None]]

LONGEST_S = 365 * 86_400.0  # of virtual time; a scenario that lasts so long waits for what never comes
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk would take most of the time


def simulate(seed: int, scenario: Scenario, conditions: Conditions | None = None) -> World:
    """Run `scenario` in a new world, which is returned for its counters alone.

    Whatever the scenario raises comes with the seed and the history in its notes. A bug that a node has
    survived, by ending one of its tasks alone, is raised at the end.
    """
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    scheduler._r.seed(seed)
    worlds: list[World] = []

    async def run(directory: Path) -> None:
        with one_error():
            async with trio.open_nursery() as nursery:
                worlds.append(World(seed, directory, conditions or Conditions(), nursery))
                with trio.fail_after(LONGEST_S):
                    await scenario(worlds[0])
                nursery.cancel_scope.cancel()

    with tempfile.TemporaryDirectory(dir=_SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None) as directory:
        try:
            with _cheap_work(), _survived_bugs() as bugs:
                trio.run(run, Path(directory), clock=trio.testing.MockClock(autojump_threshold=0))
            bugs += worlds[0].net.bugs
            if bugs:
                raise ExceptionGroup("bugs that the nodes survived", bugs)
        except BaseException as error:
            error.add_note("\n".join([f"seed {seed}", *(worlds[0].history if worlds else ())]))
            raise
        finally:
            for world in worlds:
                for person in world.people:
                    person.database.close()
    return worlds[0]


@contextmanager
def _cheap_work() -> Iterator[None]:
    """Strangers work for what they leave with a friend; here a few hashes do, not a third of a second."""
    limits = holder.LIMITS
    setattr(holder, "LIMITS", replace(limits, stranger_bits=1))  # noqa: B010 - it is final to others
    try:
        yield
    finally:
        setattr(holder, "LIMITS", limits)  # noqa: B010


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
