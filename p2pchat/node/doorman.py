"""Invite links of groups on the wire: knocking at members' doors, and answering who knocks at mine."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

import trio

from p2pchat.core.group.knock import decode_answer, encode_answer
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net import protocols
from p2pchat.net.bucket import PeerBuckets
from p2pchat.net.network import Network, Stream
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_links
from p2pchat.node.storage import Storage
from p2pchat.store import knocks

logger = logging.getLogger(__name__)

ANSWER_S: Final = 15.0
AGAIN_S: Final = 30.0  # before the same device is asked again
KNOCKS: Final = (0.2, 5)  # of one device per second, and at once: each may cost signatures and an entry


class Doorman:
    """Serves join/1, and knocks for all links that wait."""

    def __init__(self, app: App, store: Storage, network: Network) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._bell = trio.Event()
        self._asked: dict[tuple[GroupId, DeviceId], float] = {}
        self._heard = PeerBuckets(*KNOCKS)
        network.serve(protocols.JOIN, self._serve, frame_limit=protocols.JOIN_FRAME_LIMIT)

    def ring(self) -> None:
        """A device was connected, or there is a new link."""
        self._bell.set()

    async def look(self) -> None:
        """Knock wherever it is time; to be called again and again."""
        waiting = await self._store.read(knocks.everyone)
        self._asked = {key: at for key, at in self._asked.items() if key[0] in {one.group for one in waiting}}
        for one in waiting:
            for device in one.doors:
                due = self._asked.get((one.group, device), float("-inf")) + AGAIN_S
                if self._network.is_connected(device) and trio.current_time() >= due:
                    self._asked[one.group, device] = trio.current_time()
                    if await self._knock(one, device):
                        break
        with trio.move_on_after(AGAIN_S if waiting else float("inf")):
            await self._bell.wait()
        self._bell = trio.Event()

    async def _knock(self, waiting: knocks.StoredKnock, device: DeviceId) -> bool:
        try:
            with trio.fail_after(ANSWER_S):
                raw = await self._store.read(lambda tx: group_links.knock(self._app, tx, waiting))
                stream = await self._network.open_stream(
                    device, protocols.JOIN, frame_limit=protocols.JOIN_FRAME_LIMIT
                )
                try:
                    await stream.send([raw])
                    frames = await stream.receive()
                finally:
                    await stream.close()
                if len(frames) != 1:
                    raise ProtocolError("one answer is expected")
                answer = decode_answer(frames[0])
            take = partial(group_links.take_answer, self._app)
            return await self._store.run(lambda tx: take(tx, waiting.group, device, answer))
        except (NetworkError, ProtocolError, trio.TooSlowError) as error:
            logger.info("%s did not let us in: %s.", device.short, error or "no answer in time")
            return False

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(ANSWER_S):
            frames = await stream.receive()
            if len(frames) != 1 or not self._heard.take(stream.peer, trio.current_time()):
                raise ProtocolError("one knock is expected, and not too often")
            answer = await self._store.run(
                lambda tx: group_links.answer(self._app, tx, stream.peer, frames[0])
            )
            await stream.send([encode_answer(answer)])
