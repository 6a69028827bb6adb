"""Measure: `make bench` beside the raw limit, `make bench-rivals` beside what people would use instead.

All rigs of a run stand at the same time and take turns, round by round, so that a noisy machine
disturbs all alike. Each figure is printed as one line of JSON when the run ends, with its median,
extremes and the machine's load, and goes into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Final, Protocol, runtime_checkable

from benchmarks import machine, report
from benchmarks.core import Core
from benchmarks.direct import Missed, Pair
from benchmarks.figures import Collection, Sample
from benchmarks.group import Group
from benchmarks.growth import Growth
from benchmarks.idle import Idleness
from benchmarks.ledger import Ledger
from benchmarks.network import SETTLE_S, Idle
from benchmarks.raw import Raw
from benchmarks.rivals.group import RivalGroup
from benchmarks.rivals.pair import RivalMissed, RivalPair
from benchmarks.startup import Startup

PARTS: Final = ("pairs", "groups", "missed")
OURS: Final = "p2pchat"
FAILURES: Final = (OSError, ChildProcessError, TimeoutError, ValueError, KeyError, subprocess.SubprocessError)


class Rig(Protocol):
    """A system set up so that it can be measured again and again."""

    system: str

    def ready(self) -> AbstractContextManager[None]:
        """The system runs while the context is open."""
        ...

    def round(self) -> Iterator[Sample]:
        """One sample of each of its metrics."""
        ...


@runtime_checkable
class CanIdle(Protocol):
    """A rig that tells what it uses while nothing happens."""

    def idle(self) -> Idle:
        """What counts that."""
        ...


class Run:
    """Rigs taking turns; what fails of another system is left out and said, never our own."""

    def __init__(self, rounds: int) -> None:
        self.found = Collection()
        self.failed: list[str] = []
        self.beside: list[str] = []  # other systems, with their versions
        self._rounds = rounds

    def measure(self, rigs: Sequence[Rig], *, idle_s: float = 0.0, rounds: int | None = None) -> None:
        """Let `rigs` idle together for `idle_s`, then take turns."""
        rounds = self._rounds if rounds is None else rounds
        with ExitStack() as stack:
            standing = [rig for rig in rigs if self._try(rig, partial(self._enter, stack, rig))]
            if idle_s:
                self._idle(standing, idle_s)
            for number in range(1, rounds + 1):
                for rig in list(standing):
                    began = time.perf_counter()
                    if not self._try(rig, partial(self._take, rig)):
                        standing.remove(rig)
                    took = time.perf_counter() - began
                    say(f"round {number} of {rounds}: {type(rig).__name__} of {rig.system} took {took:.0f} s")

    def _enter(self, stack: ExitStack, rig: Rig) -> None:
        stack.enter_context(rig.ready())

    def _take(self, rig: Rig) -> None:
        self.found.add(rig.system, rig.round())

    def _try(self, rig: Rig, step: Callable[[], object]) -> bool:
        try:
            step()
        except FAILURES as error:
            if rig.system == OURS:
                raise
            self.failed.append(f"{type(rig).__name__} of {rig.system}: {error}")
            say(self.failed[-1])
            return False
        return True

    def _idle(self, rigs: Sequence[Rig], seconds: float) -> None:
        time.sleep(SETTLE_S)
        counting = [(rig.system, rig.idle()) for rig in rigs if isinstance(rig, CanIdle)]
        for _, idle in counting:
            idle.begin()
        time.sleep(seconds)
        for system, idle in counting:
            self.found.add(system, idle.end())


def limits(run: Run, sizes: list[int]) -> None:
    """p2pchat beside the raw limit: about five minutes on two quiet cores."""
    run.measure([Raw(), Pair(), Startup(), Core(), Ledger()], idle_s=15)
    run.measure([Missed()])
    for size in sizes:
        run.measure([Group(size)])
    run.measure([Idleness(), Growth()], rounds=1)
    raw, ours = run.found.get("raw limit", "rate"), run.found.get(OURS, "rate")
    if raw and ours:
        shares = zip(ours.values, raw.values, strict=True)
        run.found.add(OURS, [Sample("rate_of_limit", ours / raw) for ours, raw in shares])


def rivals(run: Run, parts: Sequence[str], sizes: list[int], publish: Callable[[], None]) -> None:
    """p2pchat beside other systems that can be had from Debian, PyPI and npm: some 40 minutes in all."""
    from benchmarks.rivals.install import installed

    systems = installed(say)
    run.beside = [system.version() for system in systems]
    if "pairs" in parts:
        run.measure([Raw(), Pair(), Startup(), *map(RivalPair, systems)], idle_s=120)
        publish()
    for size in sizes if "groups" in parts else []:
        grouped = [system for system in systems if system.has_groups]
        run.measure([Group(size), *(RivalGroup(system, size) for system in grouped)])
        publish()
    if "missed" in parts:
        run.measure([Missed(), *(RivalMissed(system) for system in systems if system.has_archive)])
        publish()


def say(what: str) -> None:
    """Tell whoever waits."""
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rivals", action="store_true", help="measure beside other systems")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--groups", type=int, nargs="*", help="sizes of groups; 5, or 5 10 20 beside others")
    parser.add_argument(
        "--parts", nargs="*", default=PARTS, choices=PARTS, help="of --rivals; figures of the others are kept"
    )
    parser.add_argument("--dry", action="store_true", help="leave docs/performance.md as it is")
    asked = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's program is compiled but once
    about = machine.describe() | {"load before": f"{os.getloadavg()[0]:.2f} (1-minute average)"}
    run = Run(asked.rounds)

    def publish() -> None:
        if asked.dry:
            return
        section = "rivals" if asked.rivals else "limits"
        before = report.kept(section, run.found) if set(asked.parts) != set(PARTS) else []
        report.publish([*run.found, *before], about | told(run), section)

    if asked.rivals:
        rivals(run, asked.parts, [5, 10, 20] if asked.groups is None else asked.groups, publish)
    else:
        limits(run, [5] if asked.groups is None else asked.groups)
        publish()
    for figure in run.found:
        print(figure.line())


def told(run: Run) -> dict[str, str]:
    """What was measured beside ours, and what could not be."""
    lines = {"others": ", ".join(run.beside), "left out": "; ".join(run.failed)}
    return {name: line for name, line in lines.items() if line}


if __name__ == "__main__":
    main()
