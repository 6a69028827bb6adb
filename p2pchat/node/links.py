"""Whom to be connected with: contacts first, then fellow members; dialled until they answer.

Each wanted device that is away has one task, which dials with growing, jittered pauses. The pause is
cut short when there is something new for the device, when the network changes, or on request.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, StoreError
from p2pchat.net.network import Network

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_S: Final = 0.2
FIRST_PAUSE_S: Final = 1.0
STABLE_S: Final = 10.0  # a connection that lasted so long was a good one
LONGEST_PAUSE_S: Final = 300.0
SEARCH_S: Final = 1800.0  # between searches for one device: each costs a few kB, others' too
DIAL_S: Final = 30.0
MAX_DIALS: Final = 16  # at once


class Links:
    """Keeps the wanted devices connected."""

    def __init__(
        self, network: Network, addresses: Callable[[DeviceId], Sequence[str]], chances: random.Random
    ) -> None:
        self._network = network
        self._addresses = addresses
        self._chances = chances
        self._wanted: dict[DeviceId, trio.CancelScope] = {}
        self._hurries: dict[DeviceId, trio.Event] = {}
        self._reasons: dict[DeviceId, str] = {}
        self._searched: dict[DeviceId, float] = {}
        self._dials = trio.CapacityLimiter(MAX_DIALS)
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Dial until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for device, scope in self._wanted.items():
                nursery.start_soon(self._keep, device, scope)
            await trio.sleep_forever()

    def want(self, devices: set[DeviceId]) -> None:
        """Be connected with these devices, and with no others for their own sake."""
        self._network.protect(devices)
        for device in set(self._wanted) - devices:
            self._wanted.pop(device).cancel()
            self._searched.pop(device, None)
        for device in sorted(devices - set(self._wanted) - {self._network.device}):
            self._wanted[device] = trio.CancelScope()
            if self._nursery:
                self._nursery.start_soon(self._keep, device, self._wanted[device])

    def hurry(self, device: DeviceId | None = None) -> None:
        """Look again at `device` (or everybody) now: it went away, or there is something new for it."""
        for one in [device] if device else list(self._hurries):
            if one in self._hurries:
                self._hurries[one].set()

    def why(self, device: DeviceId) -> str:
        """Why a device is not connected, for people; empty if nothing is known."""
        return self._reasons.get(device, "")

    async def _keep(self, device: DeviceId, scope: trio.CancelScope) -> None:
        pause = FIRST_PAUSE_S
        self._hurries[device] = trio.Event()
        with scope:
            try:
                while True:
                    if self._network.is_connected(device) or await self._dial(device):
                        since = trio.current_time()
                        await self._hurried(device)
                        if trio.current_time() - since > STABLE_S:
                            pause = FIRST_PAUSE_S
                            continue
                    # At least a short pause even for a hurry: a peer that drops us must not keep us busy.
                    await trio.sleep(SHORTEST_PAUSE_S)
                    with trio.move_on_after(pause * self._chances.uniform(0.5, 1.5)):
                        await self._hurried(device)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
            finally:
                if self._wanted.get(device, scope) is scope:  # else it is wanted again, by another task
                    del self._hurries[device]

    async def _hurried(self, device: DeviceId) -> None:
        await self._hurries[device].wait()
        self._hurries[device] = trio.Event()

    async def _dial(self, device: DeviceId) -> bool:
        async with self._dials:
            try:
                with trio.fail_after(DIAL_S):
                    search = self._may_search(device)
                    await self._network.connect(device, self._addresses(device), search=search)
            except (NetworkError, StoreError, trio.TooSlowError) as error:
                self._reasons[device] = str(error) or "no answer in time"
                logger.debug("%s is not reachable: %s.", device.short, self._reasons[device])
                return False
        self._reasons.pop(device, None)
        return True

    def _may_search(self, device: DeviceId) -> bool:
        now = trio.current_time()
        if now - self._searched.get(device, float("-inf")) < SEARCH_S:
            return False
        self._searched[device] = now
        return True
