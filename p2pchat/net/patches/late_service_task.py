"""Work that arrives while a service stops raises out of its context manager.

A message that is still being handled when Pubsub or the swarm is left wants a background task; the
nursery is closed, and `RuntimeError: Nursery is closed to new arrivals` (or LifecycleError) leaves
`async with host.run()`. Unnecessary once `TrioManager._schedule_task` drops late tasks.
"""

from __future__ import annotations

from typing import Any, Final

from libp2p.tools.anyio_service.exceptions import LifecycleError
from libp2p.tools.anyio_service.trio_manager import TrioManager

from p2pchat.net.patches.replacement import Replacement

_original = TrioManager._schedule_task


def _schedule_task(self: Any, task: Any) -> None:
    try:
        _original(self, task)
    except (RuntimeError, LifecycleError):
        if not (self.is_cancelled or self.is_finished):
            raise


REPLACEMENTS: Final = (Replacement(TrioManager, "_schedule_task", _schedule_task),)
