"""What is measured of a group in another system: how fast the last member has what one of them writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import Sample, percentile
from benchmarks.rivals.pair import heard
from benchmarks.rivals.system import System, running

PATIENCE_S = 10.0  # without any news: what has not come by then is lost
SETTLE_S = 2.0


class RivalGroup:
    """The rig of a group of `size`."""

    def __init__(self, system: System, size: int) -> None:
        self._about, self._size = system, size
        self.system = system.name

    @contextmanager
    def ready(self) -> Iterator[None]:
        """All are in the group and have got a text."""
        with running(self._about, self._size) as found:
            self._author, *self._others = found.nodes
            self._room = self._about.gather(found.nodes)
            time.sleep(SETTLE_S)
            self._publish(3, 1, 200)
            yield

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        about, name = self._about, f"group{self._size}"
        paced = self._publish(about.paced, 1, about.group_pause_ms)
        if took := [(at - sent) / 1e6 for sent, at in _last(paced)]:
            yield Sample(f"{name}_latency", percentile(took, 0.5))
        burst = self._publish(about.burst, about.window, 0)
        if shown := _last(burst):
            seconds = (max(at for _, at in shown) - min(sent for sent, _ in shown)) / 1e9
            yield Sample(f"{name}_rate", len(shown) / seconds)
        there = sum(map(len, paced)) + sum(map(len, burst))
        yield Sample(f"{name}_lost", (about.paced + about.burst) * len(self._others) - there)

    def _publish(self, count: int, window: int, pause_ms: int) -> list[list[tuple[int, int]]]:
        members = [node.id for node in self._others]
        order = {"to": self._room, "members": members, "count": count, "window": window, "pause": pause_ms}
        self._author.ask(do="publish", **order)
        return heard(self._others, count, PATIENCE_S)


def _last(texts: list[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """When each text that all have was sent, and shown by the last of them."""
    by_member = [dict(shown) for shown in texts]
    common = set.intersection(*(set(shown) for shown in by_member))
    return [(sent, max(shown[sent] for shown in by_member)) for sent in sorted(common)]
