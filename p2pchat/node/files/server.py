"""Serves files/1: chunks of files that are here, to devices in a chat where they were sent.

Whoever asks for a file that is not here and whoever may not have it get the same answer. What is sent is
bounded in streams and in rate, so that somebody who fetches the same file for ever is no burden on chats.
"""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import Final

import trio

from p2pchat.core.files import frames as f
from p2pchat.core.files.chunks import count_of
from p2pchat.core.ids import DeviceId
from p2pchat.errors import ProtocolError, StoreError
from p2pchat.net import protocols
from p2pchat.net.bucket import PeerBuckets, TokenBucket
from p2pchat.net.network import Network, Stream
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import files as features
from p2pchat.node.storage import Storage

logger = logging.getLogger(__name__)

MAX_STREAMS: Final = 8
MAX_STREAMS_OF_ONE: Final = 2
ASKS: Final = (32, 64)  # questions of one device per second, and at once
BYTES_PER_S: Final = 64 * 1024 * 1024  # to all together
IDLE_S: Final = 60.0
_AT_ONCE: Final = 4  # chunks read from the disk and written before others get a turn


class FileServer:
    """Answers questions about the files of `app`."""

    def __init__(self, app: App, store: Storage, network: Network) -> None:
        self._app = app
        self._store = store
        self._streams: Counter[DeviceId] = Counter()
        self._asks = PeerBuckets(*ASKS)
        self._rate = TokenBucket(BYTES_PER_S, BYTES_PER_S / 4, 0.0)
        network.serve(protocols.FILES, self._serve, frame_limit=protocols.FILES_FRAME_LIMIT)

    async def _serve(self, stream: Stream) -> None:
        peer = stream.peer
        if self._streams[peer] >= MAX_STREAMS_OF_ONE or self._streams.total() >= MAX_STREAMS:
            await stream.send([f.encode_answer(f.Refused(f.Reason.BUSY))])
            return
        self._streams[peer] += 1
        try:
            await self._answer_all(stream)
        finally:
            self._streams[peer] -= 1
            self._streams += Counter()  # forget those at zero

    async def _answer_all(self, stream: Stream) -> None:
        while True:
            received: list[bytes] = []
            with trio.move_on_after(IDLE_S):
                received = await stream.receive()
            if not received:
                return
            for frame in received:
                refusal = await self._answer(stream, f.decode_ask(frame))
                if refusal is not None:
                    await stream.send([f.encode_answer(f.Refused(refusal))])
                    return

    async def _answer(self, stream: Stream, ask: f.Ask) -> f.Reason | None:
        """Send what is asked for, or say why not. Raises ProtocolError if there can be no such chunk."""
        if not self._asks.take(stream.peer, trio.current_time()):
            return f.Reason.BUSY
        one = await self._store.read(lambda tx: features.for_peer(self._app, tx, stream.peer, ask.file))
        if one is None:
            return f.Reason.GONE
        if ask.first + ask.count > count_of(one.about.size):
            raise ProtocolError("chunks behind the end of a file")
        blobs = self._app.blobs
        try:
            if ask.count == 0:
                hashes = await self._store.aside(partial(blobs.hashes, one.about))
                await stream.send([f.encode_answer(f.Hashes(hashes))])
            end = ask.first + ask.count
            for first in range(ask.first, end, _AT_ONCE):
                read = partial(blobs.sealed, one.about, first, min(_AT_ONCE, end - first))
                sealed = await self._store.aside(read)
                await trio.sleep(self._rate.owe(sum(map(len, sealed)), trio.current_time()))
                await stream.send(
                    f.encode_answer(f.Chunk(number, chunk)) for number, chunk in enumerate(sealed, first)
                )
        except StoreError as error:
            logger.error("A file cannot be sent on: %s", error)
            return f.Reason.GONE
        return None
