"""What a mailbox knows without looking at its disk: limits, counters, rates, and who waits."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox.limits import MailboxLimits
from p2pchat.net.bucket import TokenBucket
from p2pchat.store.holding import boxes

_RANGES: Final = 4096  # whose rates are remembered
_BURST_S: Final = 10  # seconds' worth that may come at once


@dataclass
class MailboxState:
    """Shared by the parts of one mailbox. `limits` may be changed at any time."""

    limits: MailboxLimits
    counters: Counter[str] = field(default_factory=Counter)
    """held, taken, expired, opened, and refused.<reason>"""
    sums: boxes.Sums = field(default_factory=lambda: boxes.Sums(0, 0, 0))
    """As they were when the mailbox was last swept."""
    used: int = 0
    """Bytes that are held or being written."""
    _rates: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)
    _bells: dict[bytes, set[Bell]] = field(default_factory=dict)

    def may(self, what: str, neighbourhood: str, rate: int) -> bool:
        """Whether an address range may do something once more, at `rate` times a second."""
        now = trio.current_time()
        key = f"{what} {neighbourhood}"
        bucket = self._rates.pop(key, None) or TokenBucket(rate, rate * _BURST_S, now)
        self._rates[key] = bucket
        if len(self._rates) > _RANGES:
            self._rates.popitem(last=False)
        return bucket.take(1, now)

    def refused(self, reason: f.Reason, retry_s: int) -> f.Refused:
        """A counted refusal."""
        answer = f.Refused(reason, retry_s)
        self.count(answer)
        return answer

    def count(self, answer: f.Answer | None) -> None:
        """Count what became of a question."""
        if isinstance(answer, f.Refused):
            self.counters[f"refused.{answer.reason}"] += 1
        elif isinstance(answer, f.Held):
            self.counters["held"] += 1

    @contextmanager
    def bell(self, box: bytes) -> Iterator[Bell]:
        """What rings when something comes into a box, while the context is open."""
        bell = Bell()
        self._bells.setdefault(box, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[box].discard(bell)
            if not self._bells[box]:
                del self._bells[box]

    def ring(self, box: bytes) -> None:
        """Something came into a box."""
        for bell in self._bells.get(box, ()):
            bell.ring()


class Bell:
    """Rings for one who waits, as often as it is rung; what was rung before he waited is not lost."""

    def __init__(self) -> None:
        self._rung = trio.Event()

    def ring(self) -> None:
        """Wake the one who waits, now or at his next wait."""
        self._rung.set()

    async def wait(self) -> None:
        """Return once it was rung since the last wait."""
        await self._rung.wait()
        self._rung = trio.Event()
