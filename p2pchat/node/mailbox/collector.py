"""Collects what was left for this device in its own mailboxes, and tells them who may leave something.

One task for each mailbox stays there and waits; where the way is broken, it comes back with growing,
jittered pauses. A parcel is forgotten there only after what it holds is committed here.
"""

from __future__ import annotations

import logging
import random
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.errors import NetworkError, ProtocolError, StoreError, UsageError
from p2pchat.net.network import Network
from p2pchat.node.endure import one_error
from p2pchat.node.features.app import App
from p2pchat.node.features.mailbox import friends
from p2pchat.node.features.mailbox import mailboxes as feature
from p2pchat.node.mailbox.client import MailboxClient, RefusedError, at_mailbox, locate
from p2pchat.node.storage import Storage
from p2pchat.store import mailboxes

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_S: Final = 0.2
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 300.0


class Collector:
    """Keeps a task at each of my mailboxes."""

    def __init__(self, app: App, store: Storage, network: Network, chances: random.Random) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._chances = chances
        self._here: dict[str, trio.CancelScope] = {}
        self._changed = trio.Event()
        self._hurries: dict[DeviceId, trio.Event] = {}
        self._fetching: set[DeviceId] = set()
        self._nursery: trio.Nursery | None = None

    def changed(self) -> None:
        """Mailboxes were named or dropped, or contacts have come or gone."""
        self._changed.set()

    def connected(self, device: DeviceId) -> None:
        """A device is reached: if it is a mailbox of mine, it is visited at once."""
        hurry = self._hurries.get(device)
        if hurry is not None:
            hurry.set()

    def news(self, device: DeviceId) -> None:
        """A device says that it holds something for me; believed of friends, and one at a time."""
        if device not in self._fetching and self._nursery is not None:
            self._fetching.add(device)
            self._nursery.start_soon(self._fetch_from, device)

    async def _fetch_from(self, device: DeviceId) -> None:
        try:
            if not await self._store.read(partial(friends.is_friend, device)):
                return
            with one_error():
                async with at_mailbox(self._network, device.text) as mailbox:
                    await mailbox.visit(self._app.box_key, tags.day_of(self._app.now_ms()))
                    while await self._take(mailbox, wait=False):
                        pass
        except (NetworkError, ProtocolError, StoreError) as error:
            logger.info("What %s holds for me was not collected: %s.", device.short, error)
        finally:
            self._fetching.discard(device)

    async def _take(self, mailbox: MailboxClient, *, wait: bool) -> bool:
        """Take what is there; whether there may be more."""
        found, more = await mailbox.fetch(wait=wait)
        if found:
            await self._store.run(lambda tx: feature.take(self._app, tx, found))
            await mailbox.taken(found)
        return more

    async def run(self) -> None:
        """Collect until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            while True:
                changed, named = self._changed, await self._store.read(mailboxes.named)
                for address in self._here.keys() - set(named):
                    self._here.pop(address).cancel()
                for address in set(named) - self._here.keys():
                    self._here[address] = trio.CancelScope()
                    nursery.start_soon(self._stay, address, self._here[address])
                await changed.wait()
                if self._changed is changed:
                    self._changed = trio.Event()

    async def _stay(self, address: str, scope: trio.CancelScope) -> None:
        pause = FIRST_PAUSE_S
        with scope:
            while True:
                try:
                    with one_error():
                        async with at_mailbox(self._network, address) as mailbox:
                            await self._visit(mailbox, address)
                            pause = FIRST_PAUSE_S
                            await self._collect(mailbox)
                except RefusedError as error:
                    logger.warning("My mailbox …%s: %s.", address[-8:], error)
                    pause = LONGEST_PAUSE_S
                except (NetworkError, ProtocolError, StoreError, UsageError) as error:
                    logger.info("My mailbox …%s is not reached: %s.", address[-8:], error)
                await self._rest(address, pause * self._chances.uniform(0.5, 1.5))
                pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _rest(self, address: str, seconds: float) -> None:
        try:
            device, _ = locate(address)
        except UsageError:
            await trio.sleep(seconds)
            return
        self._hurries[device] = trio.Event()
        await trio.sleep(SHORTEST_PAUSE_S)
        with trio.move_on_after(seconds):
            await self._hurries[device].wait()
        del self._hurries[device]

    async def look(self, address: str) -> f.Box:
        """How full one of my mailboxes is. Raises NetworkError or ProtocolError if it does not say."""
        with one_error():
            async with at_mailbox(self._network, address) as mailbox:
                return await self._open(mailbox, address)

    async def _open(self, mailbox: MailboxClient, address: str) -> f.Box:
        token = await self._store.read(lambda tx: mailboxes.token_of(tx, address))
        return await mailbox.visit(self._app.box_key, tags.day_of(self._app.now_ms()), token)

    async def _visit(self, mailbox: MailboxClient, address: str) -> None:
        box = await self._open(mailbox, address)
        admissions = await self._store.read(lambda tx: feature.admissions(self._app, tx, mailbox.device))
        if f.fingerprint_of(admissions) != box.fingerprint:
            await mailbox.admit(admissions)

    async def _collect(self, mailbox: MailboxClient) -> None:
        """Until the day or my contacts change, for then the mailbox has to be told other tags."""
        changed = self._changed
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._fetch, mailbox, nursery.cancel_scope)
            await changed.wait()
            nursery.cancel_scope.cancel()

    async def _fetch(self, mailbox: MailboxClient, scope: trio.CancelScope) -> None:
        day = tags.day_of(self._app.now_ms())
        while day == tags.day_of(self._app.now_ms()):
            await self._take(mailbox, wait=True)
        scope.cancel()
