"""Whom to be connected with: contacts first, then fellow members; dialled until they answer.

Each wanted device has one task, which dials with growing, jittered pauses. The pause is cut short when
there is something new for the device, when the network changes, or on request.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, StoreError
from p2pchat.net.network import Absence, Network

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_S: Final = 0.2
FIRST_PAUSE_S: Final = 0.25
STABLE_S: Final = 10.0  # a connection that lasted so long was a good one
LONGEST_PAUSE_S: Final = 300.0
LONGEST_PAUSE_SOON_S: Final = 15.0  # for who was here within
SOON_S: Final = 600.0  # he is likely to be back: it was his machine or ours that was too busy, or slept
SEARCH_S: Final = 1800.0  # between searches for one device: each costs a few kB, others' too
DIAL_S: Final = 30.0
MAX_DIALS: Final = 16  # at once


@dataclass(slots=True)
class _Link:
    """What is known of one wanted device."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    hurried: trio.Event = field(default_factory=trio.Event)
    pause: float = FIRST_PAUSE_S
    searched: float = float("-inf")
    seen: float = float("-inf")  # when it was connected last
    reason: str = ""
    next_dial: float | None = None
    dial: trio.CancelScope | None = None  # the one under way


class Links:
    """Keeps the wanted devices connected."""

    def __init__(
        self, network: Network, addresses: Callable[[DeviceId], Sequence[str]], chances: random.Random
    ) -> None:
        self._network = network
        self._addresses = addresses
        self._chances = chances
        self._links: dict[DeviceId, _Link] = {}
        self._dials = trio.CapacityLimiter(MAX_DIALS)
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Dial until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for device, link in self._links.items():
                nursery.start_soon(self._keep, device, link)
            await trio.sleep_forever()

    def want(self, devices: set[DeviceId]) -> None:
        """Be connected with these devices, and with no others for their own sake."""
        self._network.protect(devices)
        for device in set(self._links) - devices:
            self._links.pop(device).scope.cancel()
        for device in sorted(devices - set(self._links) - {self._network.device}):
            link = self._links[device] = _Link()
            if self._nursery:
                self._nursery.start_soon(self._keep, device, link)

    def hurry(self, device: DeviceId) -> None:
        """Look again at `device` now: it came or went away, or there is something new for it."""
        if device in self._links:
            self._links[device].hurried.set()

    def start_anew(self) -> None:
        """The network has changed: what failed may work now, so everybody is dialled and searched at once."""
        for link in self._links.values():
            link.pause = FIRST_PAUSE_S
            link.searched = float("-inf")
            link.hurried.set()
            if link.dial is not None:  # it goes out from an address that we may not have any more
                link.dial.cancel()

    def absences(self) -> list[Absence]:
        """The wanted devices that are not connected, with the reasons."""
        now = trio.current_time()
        return [
            Absence(device, link.reason, None if link.next_dial is None else max(0.0, link.next_dial - now))
            for device, link in self._links.items()
            if not self._network.is_connected(device)
        ]

    async def _keep(self, device: DeviceId, link: _Link) -> None:
        with link.scope:
            while True:
                if self._network.is_connected(device) or await self._dial(device, link):
                    since = trio.current_time()
                    await _hurried(link)
                    link.seen = trio.current_time()
                    if trio.current_time() - since > STABLE_S:
                        link.pause = FIRST_PAUSE_S
                        continue
                # At least a short pause even for a hurry: a peer that drops us must not keep us busy.
                await trio.sleep(SHORTEST_PAUSE_S)
                pause = link.pause * self._chances.uniform(0.5, 1.5)
                soon = trio.current_time() - link.seen < SOON_S
                link.pause = min(2 * link.pause, LONGEST_PAUSE_SOON_S if soon else LONGEST_PAUSE_S)
                link.next_dial = trio.current_time() + pause
                with trio.move_on_after(pause):
                    await _hurried(link)
                link.next_dial = None

    async def _dial(self, device: DeviceId, link: _Link) -> bool:
        async with self._dials:
            link.reason = "no answer in time"
            with trio.move_on_after(DIAL_S) as link.dial:
                try:
                    search = _may_search(link)
                    await self._network.connect(device, self._addresses(device), search=search)
                    link.reason = ""
                except (NetworkError, StoreError) as error:
                    link.reason = str(error)
            link.dial = None
        if link.reason:
            logger.debug("%s is not reachable: %s.", device.short, link.reason)
        return not link.reason


async def _hurried(link: _Link) -> None:
    await link.hurried.wait()
    link.hurried = trio.Event()


def _may_search(link: _Link) -> bool:
    now = trio.current_time()
    if now - link.searched < SEARCH_S:
        return False
    link.searched = now
    return True
