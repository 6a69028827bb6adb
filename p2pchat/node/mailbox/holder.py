"""Keeps parcels for friends: contacts and fellow members leave here what is for others of them who are away.

The same mailbox as an operator's, in a small file of its own, for people whom this node knows: they need
neither passes nor work. A friend can name this node as his mailbox; then his other contacts show passes.
Whoever something was left for is told once he is connected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox.limits import MailboxLimits
from p2pchat.errors import NetworkError, StoreError
from p2pchat.net import protocols
from p2pchat.net.network import Network, Stream
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.mailbox import friends
from p2pchat.node.mailbox.server import MailboxServer
from p2pchat.node.storage import Storage
from p2pchat.store.database import Database
from p2pchat.store.holding import boxes
from p2pchat.store.holding.files import open_holding

logger = logging.getLogger(__name__)

FILE_NAME: Final = "held.db"
LIMITS: Final = MailboxLimits(
    size=0,  # as the person has set
    boxes=0,  # only those that cards name
    box_parcels=512,  # left with a pass, where a friend has chosen this node as a mailbox
    box_size=4 * 1024 * 1024,
    stranger_parcels=512,  # left by friends for friends
    stranger_size=4 * 1024 * 1024,
    depositor_parcels=256,  # so that it takes several to fill the box of one
    depositor_size=2 * 1024 * 1024,
    deposits_per_second=20,
)
RETRY_S: Final = 60.0

OpenStorage: TypeAlias = Callable[[Database], Storage]


class Holder:
    """Serves mailbox/1 to friends; its file is made with the first stream."""

    def __init__(
        self,
        app: App,
        store: Storage,
        network: Network,
        open_storage: OpenStorage,
        on_news: Callable[[DeviceId], None],
    ) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._open_storage = open_storage
        self._on_news = on_news
        self._path = app.home.directory / FILE_NAME
        self._needed = trio.Event()
        self._opened = trio.Event()
        self._server: MailboxServer | None = None
        self._megabytes: int | None = None  # as it was set while we run
        self._news_send, self._news = trio.open_memory_channel[bytes](256)
        network.serve(protocols.MAILBOX, self._serve, frame_limit=protocols.MAILBOX_FRAME_LIMIT)

    async def run(self) -> None:
        """Keep parcels until cancelled; a disk that fails is tried again."""
        if not self._path.exists():
            await self._needed.wait()
        while True:
            try:
                await self._hold()
            except StoreError as error:
                logger.error("Nothing can be held for friends: %s", error)
                await trio.sleep(RETRY_S)

    async def _hold(self) -> None:
        with open_holding(self._path, tagged_hash("held file", self._app.key.seed)) as database:
            self._held = self._open_storage(database)
            kept = await self._store.read(settings.get)
            megabytes = kept.holding_megabytes if self._megabytes is None else self._megabytes
            self._server = MailboxServer(
                self._held,
                self._app.device,
                self._limits(megabytes),
                now_ms=self._app.now_ms,
                entropy=self._app.entropy,
                range_of=lambda device: device.text,
                friends=friends.Friends(self._store),
                on_held=self._on_held,
                on_news=self._on_news,
            )
            try:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self._server.run)
                    self._opened.set()
                    async for box in self._news:
                        if device := await self._store.read(partial(friends.device_of_box, box)):
                            nursery.start_soon(self._tell, device)
            finally:
                self._server = None

    def changed(self, megabytes: int) -> None:
        """The person has set how much may be held; what is held stays until it is fetched or too old."""
        self._megabytes = megabytes
        if self._server is not None:
            self._server.state.limits = self._limits(megabytes)

    def _limits(self, megabytes: int) -> MailboxLimits:
        return replace(LIMITS, size=megabytes * 1_000_000)

    async def accompany(self, device: DeviceId) -> None:
        """A device is connected: if something was left for it, tell it."""
        if self._server is None:
            return
        box = await self._store.read(partial(friends.box_of, device))
        kept = await self._held.read(lambda tx: boxes.get(tx, box)) if box else None
        if kept is not None and kept.parcels + kept.stranger_parcels:
            await self._tell(device)

    def _on_held(self, box: bytes) -> None:
        try:
            self._news_send.send_nowait(box)
        except trio.WouldBlock:
            logger.info("So much was left at once that not everybody is told now.")

    async def _tell(self, device: DeviceId) -> None:
        if not self._network.is_connected(device):
            return
        try:
            stream = await self._network.open_stream(
                device, protocols.MAILBOX, frame_limit=protocols.MAILBOX_FRAME_LIMIT
            )
            await stream.send([f.encode_frame(f.News())])
            await stream.close()
        except NetworkError as error:
            logger.info("%s was not told that something lies here: %s.", device.short, error)

    async def _serve(self, stream: Stream) -> None:
        if await self._store.read(partial(friends.is_friend, stream.peer)):
            self._needed.set()
            await self._opened.wait()
        if self._server is not None:
            await self._server.serve(stream)
