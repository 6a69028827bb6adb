"""Where is that device, and where are we? The table, rendezvous points, the LAN, all kept up to date."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.net.dht.service import Dht
from p2pchat.net.lan import LanFinder
from p2pchat.net.rendezvous.client import Rendezvous

logger = logging.getLogger(__name__)

PUBLISH_S: Final = (120 * 60.0, 150 * 60.0)  # a record lives six hours: one renewal may be missed
RETRY_S: Final = (5.0, 300.0)  # first and longest pause while nobody keeps our record
REFRESH_S: Final = (60 * 60.0, 90 * 60.0)
_SETTLE_S: Final = 0.3  # addresses change in groups: a connection, then a verdict, then a relay


class Discovery:
    """Finds the addresses of devices, and lets ours be found, with whatever ways are switched on."""

    def __init__(self, *, table: Dht | None, rendezvous: Rendezvous | None, lan: LanFinder | None) -> None:
        self._table = table
        self._rendezvous = rendezvous
        self._lan = lan
        self._changed = trio.Event()

    async def find(self, device: DeviceId) -> list[str]:
        """Addresses of `device` without its /p2p/ part, those in the LAN first; [] if none are found.

        Takes seconds when nodes of the table are gone: set a deadline.
        """
        near = list(self._lan.find(device)) if self._lan is not None else []
        far: list[str] = []

        async def ask_points(points: Rendezvous) -> None:
            far.extend(await points.find(device))

        async def ask_table(table: Dht) -> None:
            record = await table.find(device)
            far.extend(record.addresses if record is not None else ())

        async with trio.open_nursery() as nursery:
            if self._rendezvous is not None:
                nursery.start_soon(ask_points, self._rendezvous)
            if self._table is not None:
                nursery.start_soon(ask_table, self._table)
        return list(dict.fromkeys(near + far))

    def announce(self) -> None:
        """Our addresses or roles have changed: publish them soon."""
        self._changed.set()
        self._changed = trio.Event()

    async def run(self) -> None:
        """Publish, refresh and listen until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._lan is not None:
                nursery.start_soon(self._lan.run)
            if self._table is not None:
                nursery.start_soon(self._keep_published, "the table", self._table.publish)
                nursery.start_soon(self._keep_fresh, self._table)
            if self._rendezvous is not None:
                nursery.start_soon(self._keep_published, "rendezvous", self._rendezvous.publish)

    async def _keep_published(self, where: str, publish: Callable[[], Awaitable[int]]) -> None:
        pause = RETRY_S[0]
        while True:
            changed = self._changed
            kept = await publish()
            if kept:
                logger.info("Our addresses are kept by %d nodes (%s).", kept, where)
                wait, pause = random.uniform(*PUBLISH_S), RETRY_S[0]
            else:
                wait, pause = pause * random.uniform(0.5, 1.5), min(2 * pause, RETRY_S[1])
            with trio.move_on_after(wait) as waiting:
                await changed.wait()
            if not waiting.cancelled_caught:
                await trio.sleep(_SETTLE_S)

    async def _keep_fresh(self, table: Dht) -> None:
        while True:
            await trio.sleep(random.uniform(*REFRESH_S))
            await table.refresh()
