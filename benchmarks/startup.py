"""How long a node, and a command against a running node, take to start."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import Sample
from benchmarks.people import people


class Startup:
    """The rig of starts: one home, started again and again."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """A profile that has run once, so that nothing has to be compiled."""
        with people("ann", "ben") as (self._ann, self._ben):
            self._ann.stop()
            yield

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        began = time.perf_counter()
        self._ann.start()  # returns when the node has answered: it takes messages to be sent
        yield Sample("cold_start", time.perf_counter() - began)
        yield Sample("cold_start_cpu", self._ann.cpu_s())
        self._ann.stop()
        command = _seconds(self._ben.command("--json", "status"))
        yield Sample("cli_of_typer", command / _seconds([sys.executable, "-c", "import typer"]))


def _seconds(command: list[str]) -> float:
    """Seconds of CPU, the best of three, as both sides of a ratio get it: what disturbs only ever adds."""
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)
