"""Typing notices: told to contacts who are connected now, kept nowhere, answered by nobody.

They cost a stream each, so both sides count: what is told too often is not sent, and what is heard too
often is not shown. A notice that gets lost does no harm: whoever shows one takes it back by himself.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import trio

from p2pchat.core.direct.frames import decode_typing, encode_typing
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net import protocols
from p2pchat.net.bucket import PeerBuckets
from p2pchat.net.network import Network, Stream
from p2pchat.node.effects import Passing
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import typing as features
from p2pchat.node.storage import Storage

logger = logging.getLogger(__name__)

EVERY_S: Final = 3.0  # how often one contact is told that I am still typing
HEARD: Final = (0.5, 6)  # notices of one device per second, and at once
SEND_S: Final = 5.0
MAX_REMEMBERED: Final = 1024  # people told


class TypingNotices:
    """Tells contacts that I am typing, and `publish`es that they are."""

    def __init__(
        self, app: App, store: Storage, network: Network, publish: Callable[[Passing], None]
    ) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._publish = publish
        self._told: OrderedDict[PersonId, tuple[bool, float]] = OrderedDict()
        self._heard = PeerBuckets(*HEARD)
        network.serve(protocols.TYPING, self._serve, frame_limit=protocols.TYPING_FRAME_LIMIT)

    async def tell(self, person: PersonId, *, typing: bool) -> bool:
        """Tell the connected devices of a contact; whether any was told."""
        if not self._is_due(person, typing):
            return False
        devices = await self._store.read(lambda tx: features.listeners(tx, person))
        told = [await self._send(device, typing) for device in devices if self._network.is_connected(device)]
        return any(told)

    def _is_due(self, person: PersonId, typing: bool) -> bool:
        now = trio.current_time()
        before, at = self._told.pop(person, (False, float("-inf")))
        is_due = typing != before or (typing and now >= at + EVERY_S)
        self._told[person] = (typing, now if is_due else at)
        if len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)
        return is_due

    async def _send(self, device: DeviceId, typing: bool) -> bool:
        try:
            with trio.fail_after(SEND_S):
                stream = await self._network.open_stream(
                    device, protocols.TYPING, frame_limit=protocols.TYPING_FRAME_LIMIT
                )
                try:
                    await stream.send([encode_typing(typing)])
                finally:
                    await stream.close()
        except (NetworkError, trio.TooSlowError) as error:
            logger.debug("%s was not told that I type: %s.", device.short, error)
            return False
        return True

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(SEND_S):
            frames = await stream.receive()
        if len(frames) != 1:
            raise ProtocolError("one typing notice is expected")
        is_typing = decode_typing(frames[0])
        if not self._heard.take(stream.peer, trio.current_time()):
            return
        news = await self._store.read(lambda tx: features.heard(self._app, tx, stream.peer, is_typing))
        if news:
            self._publish(news)
