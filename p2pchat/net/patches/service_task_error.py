"""An exception in one background task of a service ends the service, and with it the host.

`TrioManager` cancels all tasks of Swarm, Pubsub, KadDHT and the relay when one of them fails, though
most of them serve one peer each. Seen with gossip messages whose key or protobuf is garbage.
Unnecessary once `TrioManager` treats the tasks of `run_task` as independent; so far single causes are
mended upstream (py-libp2p issue 1120).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from libp2p.tools.anyio_service.trio_manager import TrioManager

from p2pchat.net.patches.replacement import Replacement

logger = logging.getLogger(__name__)

_original = TrioManager.run_task


def _run_task(
    self: Any,
    async_fn: Any,
    *args: Any,
    daemon: bool = False,
    _internal: bool = False,
    name: str | None = None,
) -> None:
    if daemon or _internal:  # the service itself: its end is the service's end
        _original(self, async_fn, *args, daemon=daemon, name=name, _internal=_internal)
    else:
        label = name or getattr(async_fn, "__qualname__", repr(async_fn))
        _original(self, _contained, async_fn, args, label, name=name)


async def _contained(async_fn: Any, args: Sequence[Any], label: str) -> None:
    try:
        await async_fn(*args)
    except Exception as error:
        logger.info("A background task of libp2p failed: %s: %s: %s", label, type(error).__name__, error)


REPLACEMENTS: Final = (Replacement(TrioManager, "run_task", _run_task),)
