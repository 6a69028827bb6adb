"""Measure: `make bench` beside the raw limit, `make bench-rivals` beside what people would use instead.

All rigs of a run stand at the same time and take turns, round by round, so that a noisy machine
disturbs all alike. Each figure is printed as one line of JSON when the run ends, with its median,
extremes and the machine's load, and goes into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from benchmarks import machine, report
from benchmarks.core import Core
from benchmarks.direct import Missed, Pair
from benchmarks.figures import Collection, Sample
from benchmarks.group import Group
from benchmarks.raw import Raw
from benchmarks.startup import Startup


class Rig(Protocol):
    """A system set up so that it can be measured again and again."""

    system: str

    def ready(self) -> AbstractContextManager[None]:
        """The system runs while the context is open."""
        ...

    def round(self) -> Iterator[Sample]:
        """One sample of each of its metrics."""
        ...


def measure(rigs: Sequence[Rig], rounds: int, into: Collection) -> None:
    """Let `rigs` take turns for `rounds` rounds."""
    with ExitStack() as stack:
        for rig in rigs:
            stack.enter_context(rig.ready())
        for number in range(1, rounds + 1):
            for rig in rigs:
                began = time.perf_counter()
                into.add(rig.system, rig.round())
                took = time.perf_counter() - began
                say(f"round {number} of {rounds}: {type(rig).__name__} took {took:.0f} s")


def limits(rounds: int, sizes: list[int]) -> Collection:
    """p2pchat beside the raw limit: about five minutes on two quiet cores."""
    found = Collection()
    measure([Raw(), Pair(), Startup(), Core()], rounds, found)
    measure([Missed()], rounds, found)
    for size in sizes:
        measure([Group(size)], rounds, found)
    raw, ours = found.get("raw limit", "rate"), found.get("p2pchat", "rate")
    if raw and ours:
        shares = zip(ours.values, raw.values, strict=True)
        found.add("p2pchat", [Sample("rate_of_limit", ours / raw) for ours, raw in shares])
    return found


def rivals(rounds: int) -> Collection:
    """p2pchat beside other systems that can be had from Debian, PyPI and npm."""
    from benchmarks.rivals import installed

    found = Collection()
    with installed(say) as rigs:
        measure([Raw(), Pair(), *rigs], rounds, found)
    return found


def say(what: str) -> None:
    """Tell whoever waits."""
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rivals", action="store_true", help="measure beside other systems")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--groups", type=int, nargs="*", default=[5], help="sizes of groups, such as 5 10 20")
    parser.add_argument("--dry", action="store_true", help="leave docs/performance.md as it is")
    asked = parser.parse_args()
    about = machine.describe() | {"load before": f"{os.getloadavg()[0]:.2f} (1-minute average)"}
    found = rivals(asked.rounds) if asked.rivals else limits(asked.rounds, asked.groups)
    for figure in found:
        print(figure.line())
    if not asked.dry:
        report.publish(found, about, "rivals" if asked.rivals else "limits")


if __name__ == "__main__":
    main()
