"""Staying callable: a few reservations, renewed in time, replaced when a relay is gone."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError
from p2pchat.net.dht.contact import Contact
from p2pchat.net.network import Network, PeerDisconnected
from p2pchat.net.relay.client import Connect, RelayClient, Reservation

logger = logging.getLogger(__name__)

RELAYS: Final = 2
"""Reservations held: one may go without our becoming unreachable."""
RETRY_S: Final = (5.0, 300.0)  # first and longest pause while there are too few relays
RENEW_S: Final = 20 * 60.0  # at the latest; sooner if a relay grants less than twice that

Candidates = Callable[[], Iterable[Contact]]


class RelayKeeper:
    """Holds reservations while it is told that they are needed.

    `candidates` gives devices that may relay, the most promising first; `changed` is called when the
    ways to us have changed.
    """

    def __init__(
        self,
        network: Network,
        client: RelayClient,
        *,
        dial: Connect,
        candidates: Candidates,
        changed: Callable[[], None],
    ) -> None:
        self._network = network
        self._dial = dial
        self._client = client
        self._candidates = candidates
        self._changed = changed
        self._held: dict[DeviceId, Reservation] = {}
        self._needed = False
        self._wake = trio.Event()

    def addresses(self) -> tuple[str, ...]:
        """Where others call us now: .../p2p/<relay>/p2p-circuit."""
        return tuple(address for held in self._held.values() for address in held.addresses)

    def relays(self) -> tuple[DeviceId, ...]:
        """The devices that hold a reservation of ours."""
        return tuple(self._held)

    def need(self, needed: bool) -> None:
        """Whether we cannot be dialled, and so need relays."""
        if needed != self._needed:
            self._needed = needed
            self.look_again()

    def look_again(self) -> None:
        """Something has changed: a relay came or went."""
        self._wake.set()

    async def run(self) -> None:
        """Reserve and renew until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            await self._keep()

    async def _keep(self) -> None:
        pause = RETRY_S[0]
        while True:
            self._wake = trio.Event()
            before = self.addresses()
            await self._review()
            if self.addresses() != before:
                self._changed()
            if not self._needed or len(self._held) >= RELAYS:
                wait = min([RENEW_S, *(held.lasts_s / 2 for held in self._held.values())])
                pause = RETRY_S[0]
            else:
                wait, pause = pause * random.uniform(0.5, 1.5), min(2 * pause, RETRY_S[1])
            with trio.move_on_after(wait):
                await self._wake.wait()

    async def _review(self) -> None:
        """Renew what we hold, let go of what is lost, and take what is needed."""
        for relay in list(self._held):
            if not self._needed or not self._network.is_connected(relay) or not await self._reserve(relay):
                self._client.release(relay)
                del self._held[relay]
        for contact in self._candidates():
            if not self._needed or len(self._held) >= RELAYS:
                return
            if contact.device not in self._held and await self._take(contact):
                logger.info("Callable through relay %s.", contact.device.short)

    async def _take(self, contact: Contact) -> bool:
        try:
            await self._dial(contact.device, contact.addresses)
        except NetworkError as error:
            logger.debug("Relay %s is gone: %s", contact.device.short, error)
            return False
        return await self._reserve(contact.device)

    async def _reserve(self, relay: DeviceId) -> bool:
        try:
            self._held[relay] = await self._client.reserve(relay)
        except NetworkError as error:
            logger.info("No reservation: %s", error)
            return False
        return True

    async def _watch(self) -> None:
        async for event in self._network.events():
            if isinstance(event, PeerDisconnected) and event.peer in self._held:
                self.look_again()
