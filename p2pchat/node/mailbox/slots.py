"""How many answers a mailbox has in memory at once: asking is cheap, and not everybody reads the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

from p2pchat.errors import NetworkError

ANSWER_SIZE: Final = 256 * 1024  # bytes of parcels in one answer
ANSWERS: Final = 48  # at once; so 12 MiB, and as much again on its way into the connections
RANGE_ANSWERS: Final = 8  # of these, to one address range
_TAKE_S: Final = 60.0  # that an answer has to be taken in


class Slots:
    """Places for answers; who finds none waits, with nothing in memory but the question."""

    def __init__(self) -> None:
        self._all = trio.CapacityLimiter(ANSWERS)
        self._ranges: dict[str, trio.CapacityLimiter] = {}

    @asynccontextmanager
    async def place(self, neighbourhood: str) -> AsyncIterator[None]:
        """Have a place while the context is open.

        Raises:
            NetworkError: it was open for too long.
        """
        mine = self._ranges.setdefault(neighbourhood, trio.CapacityLimiter(RANGE_ANSWERS))
        try:
            async with mine, self._all:
                with trio.move_on_after(_TAKE_S) as taking:
                    yield
                if taking.cancelled_caught:
                    raise NetworkError(f"an answer was not taken within {_TAKE_S:.0f} s")
        finally:
            statistics = mine.statistics()
            if not statistics.borrowed_tokens and not statistics.tasks_waiting:
                self._ranges.pop(neighbourhood, None)
