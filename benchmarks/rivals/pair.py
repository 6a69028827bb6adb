"""What is measured of two nodes of another system."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmarks.figures import Sample, percentile
from benchmarks.network import Idle
from benchmarks.rivals.driven import Driven
from benchmarks.rivals.system import System, running

LOOK_S = 0.05
NUDGE_S = 0.2
PATIENCE_S = 60.0
ARCHIVE_S = 900.0


class RivalPair:
    """The rig of two contacts."""

    def __init__(self, system: System) -> None:
        self._about = system
        self.system = system.name

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Both run and have exchanged some texts."""
        with running(self._about, 2) as self._running:
            self._chat = self._about.chat(self._running.nodes)
            self._once = [Sample("cold_start", self._sender.start_s)]
            self._send(20, 1)
            yield

    @property
    def _sender(self) -> Driven:
        return self._running.nodes[0]

    @property
    def _receiver(self) -> Driven:
        return self._running.nodes[1]

    def idle(self) -> Idle:
        """What counts its idleness."""
        return Idle(psutil.Process(self._receiver.process.pid), self._running.place.network)

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        yield from self._once
        self._once = []
        seconds, texts = self._send(self._about.count, self._about.window)
        if not self._about.has_receipts:
            seconds = (max(at for _, at in texts) - min(sent for sent, _ in texts)) / 1e9
        yield Sample("rate", self._about.count / seconds)
        took = [(at - sent) / 1e6 for sent, at in self._send(self._about.pings, 1)[1]]
        yield Sample("latency_p50", percentile(took, 0.5))
        yield Sample("latency_p99", percentile(took, 0.99))
        if self._about.restarts:
            yield Sample("restart", self._restart())

    def _send(self, count: int, window: int) -> tuple[float, list[tuple[int, int]]]:
        """Seconds until every receipt is back, and when each text was sent and shown."""
        pause = self._about.pause_ms if window == 1 else 0
        said = self._sender.ask(do="send", to=self._chat, count=count, window=window, pause=pause)
        return said["seconds"], heard([self._receiver], count)[0]

    def _restart(self) -> float:
        """Seconds from a killed receiver's new start until it shows a text sent since."""
        last = time.monotonic_ns()
        self._receiver.end()
        self._sender.ask(do="nudge", to=self._chat)
        began, due = time.monotonic_ns(), 0.0
        receiver = self._running.again(1)
        while not (shown := [at for sent, at in receiver.took() if sent > last]):
            if (now := time.monotonic()) >= due:  # not all systems keep a text for whoever is away
                self._sender.ask(do="nudge", to=self._chat)
                due = now + NUDGE_S
            if time.monotonic_ns() - began > PATIENCE_S * 1e9:
                raise TimeoutError(f"{self.system}: nothing arrives after a restart")
            time.sleep(0.01)
        seconds = (min(shown) - began) / 1e9
        time.sleep(NUDGE_S)
        receiver.took()
        return seconds


class RivalMissed:
    """The rig of texts that were written while their reader was away, kept by a server."""

    def __init__(self, system: System) -> None:
        self._about = system
        self.system = system.name

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Somebody is away and has missed them all."""
        with running(self._about, 2) as self._running:
            sender, reader = self._running.nodes
            self._chat = self._about.chat(self._running.nodes)
            self._order = {"from": sender.id, "room": self._chat, "count": self._about.archived}
            order = {"to": self._chat, "window": self._about.window, "pause": 0}
            sender.ask(do="send", count=20, **order)
            reader.end()
            sender.tell(do="archive", count=self._about.archived, **order)
            sender.wait("done", ARCHIVE_S)
            yield

    def round(self) -> Iterator[Sample]:
        """Seconds that a reader needs, once it is connected, until it has read the last."""
        self._running.nodes[1].end()
        said = self._running.again(1).ask(do="missed", **self._order)
        if said["count"] < self._about.archived:
            raise ValueError(f"{self.system}: {said['count']} of {self._about.archived} were there")
        yield Sample("missed", said["seconds"])


def heard(nodes: list[Driven], count: int, patience_s: float = PATIENCE_S) -> list[list[tuple[int, int]]]:
    """When texts were sent and shown at each node, once all have `count` or no more comes."""
    found: list[dict[int, int]] = [{} for _ in nodes]
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        for texts, node in zip(found, nodes, strict=True):
            if len(texts) < count and (news := node.took()):
                texts.update(reversed(news))
                until = time.monotonic() + patience_s
        if all(len(texts) >= count for texts in found):
            break
        time.sleep(LOOK_S)
    return [list(texts.items()) for texts in found]
