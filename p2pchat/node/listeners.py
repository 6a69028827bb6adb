"""Who is told of events as they are committed; whoever is too slow is told nothing more."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

import trio

from p2pchat.node.effects import Passing
from p2pchat.store.events import Event

News: TypeAlias = Event | Passing

logger = logging.getLogger(__name__)

QUEUE: Final = 4096  # events a listener may be behind; it can catch up from the store with its cursor


class Listeners:
    """Broadcasts events; a slow listener costs a bounded queue and nobody else's time."""

    def __init__(self) -> None:
        self._channels: set[trio.MemorySendChannel[News]] = set()

    def tell(self, event: News) -> None:
        """Hand `event` to every listener."""
        for channel in list(self._channels):
            try:
                channel.send_nowait(event)
            except (trio.WouldBlock, trio.BrokenResourceError):
                logger.warning("A listener fell %d events behind and was dropped.", QUEUE)
                self._channels.discard(channel)
                channel.close()

    @contextmanager
    def listen(self) -> Iterator[trio.MemoryReceiveChannel[News]]:
        """The events from now on; the channel ends when the listener was too slow."""
        sender, receiver = trio.open_memory_channel[News](QUEUE)
        self._channels.add(sender)
        try:
            with receiver:
                yield receiver
        finally:
            self._channels.discard(sender)
            sender.close()
