"""Two processes of another system, driven by lines of JSON, and what is measured of them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.figures import Sample, percentile

PINGS = 100
IDLE_S = 10.0
PATIENCE_S = 60


class Driven:
    """A process that prints JSON lines and obeys those it is given."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._began = time.perf_counter()
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
            )
        self.about = self.wait("ready")
        self.start_s = time.perf_counter() - self._began

    def wait(self, what: str) -> dict[str, Any]:
        """The next line that is about `what`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{") and (said := json.loads(line))["is"] == what:
                return said
        raise ChildProcessError(f"{self.process.args} ended")

    def tell(self, **what: Any) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")

    def ask(self, **what: Any) -> dict[str, Any]:
        """Give an order and wait until it is carried out."""
        self.tell(**what)
        return self.wait("done")

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


class RivalPair:
    """The rig of two processes of one system; subclasses say how they start and meet."""

    system = ""
    count = 2000  # texts whose rate is measured
    window = 256  # on their way at once
    pings = PINGS
    pause_ms = 5

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def missing(self) -> str:
        """Why it cannot be measured; empty if it can."""
        raise NotImplementedError

    def start(self, stack: ExitStack) -> tuple[Driven, Driven]:
        """Two processes that know each other: the sender and the receiver."""
        raise NotImplementedError

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Both run and have exchanged some texts."""
        with ExitStack() as stack:
            self._sender, self._receiver = self.start(stack)
            self._send(20, 1)
            process, used = psutil.Process(self._receiver.process.pid), 0.0
            used = sum(process.cpu_times()[:2])
            time.sleep(IDLE_S)
            self._once = [
                Sample("cold_start", self._sender.start_s),
                Sample("idle_memory", process.memory_info().rss / 1e6),
                Sample("idle_cpu", 100 * (sum(process.cpu_times()[:2]) - used) / IDLE_S),
            ]
            yield

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        yield from self._once
        self._once = []
        yield Sample("rate", self.count / self._send(self.count, self.window)[0])
        _, took = self._send(self.pings, 1)
        yield Sample("latency_p50", 1e3 * percentile(took, 0.5))
        yield Sample("latency_p99", 1e3 * percentile(took, 0.99))

    def _send(self, count: int, window: int) -> tuple[float, list[float]]:
        """Seconds until every receipt is back, and those that each text took one way."""
        pause = self.pause_ms if window == 1 else 0
        said = self._sender.ask(
            do="send", to=self._receiver.about["id"], count=count, window=window, pause=pause
        )
        return said["seconds"], self._receiver.ask(do="took")["seconds"]
