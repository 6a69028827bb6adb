"""Streams of frames over libp2p streams: ours to open, theirs to serve."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.host.exceptions import StreamFailure
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamEOF, StreamError

from p2pchat.core.frames import FrameDecoder, encode
from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.guard import Guard
from p2pchat.net.network import Handler
from p2pchat.net.peers import device_of, peer_id_of

logger = logging.getLogger(__name__)

READ_SIZE: Final = 64 * 1024
_OPEN_S: Final = 10.0  # for multistream to agree on the protocol
_CLOSE_S: Final = 1.0
_STALL_S: Final = 60.0  # a peer that takes nothing for this long holds no task of ours any longer


class FrameStream:
    """`Stream` over one libp2p stream."""

    def __init__(self, stream: Any, peer: DeviceId, frame_limit: int) -> None:
        self._stream = stream
        self._peer = peer
        self._limit = frame_limit
        self._decoder = FrameDecoder(frame_limit)

    @property
    def peer(self) -> DeviceId:
        """See `Stream`."""
        return self._peer

    async def send(self, frames: Iterable[bytes]) -> None:
        """See `Stream`."""
        for piece in encode(frames, limit=self._limit):
            try:
                with trio.fail_after(_STALL_S):
                    await self._stream.write(piece)
            except trio.Cancelled:  # the peer may have got a part of the piece: nothing can follow it
                await self.reset()
                raise
            except trio.TooSlowError:
                await self.reset()
                raise NetworkError(f"{self._peer.short} has taken nothing for {_STALL_S:.0f} s") from None
            except StreamError as error:
                raise NetworkError(f"the stream to {self._peer.short} is gone") from error

    async def receive(self) -> list[bytes]:
        """See `Stream`."""
        while True:
            try:
                data = await self._stream.read(READ_SIZE)
            except StreamEOF:
                data = b""
            except StreamError as error:
                raise NetworkError(f"the stream from {self._peer.short} is gone") from error
            if not data:
                if self._decoder.buffered:
                    raise NetworkError(f"the stream from {self._peer.short} ended inside a frame")
                return []
            if frames := self._decoder.feed(data):
                return frames

    async def close(self) -> None:
        """See `Stream`."""
        with trio.move_on_after(_CLOSE_S) as scope:
            scope.shield = True
            try:
                await self._stream.close()
            except Exception as error:  # gone already, in one of libp2p's many ways
                logger.debug("Closing a stream to %s: %s", self._peer.short, type(error).__name__)

    async def reset(self) -> None:
        """Tell the peer that the stream failed; never raises, never waits for long."""
        with trio.move_on_after(_CLOSE_S) as scope:
            scope.shield = True
            try:
                await self._stream.reset()
            except Exception as error:
                logger.debug("Resetting a stream to %s: %s", self._peer.short, type(error).__name__)


class Streams:
    """Opens and serves the streams of one host for one overlay."""

    def __init__(self, host: BasicHost, guard: Guard, name: str) -> None:
        self._host = host
        self._guard = guard
        self._name = name
        self._inbound: Counter[DeviceId] = Counter()

    def serve(self, protocol: str, handler: Handler, *, frame_limit: int) -> None:
        """See `Network.serve`."""

        async def on_stream(stream: Any) -> None:
            await self._serve_one(
                FrameStream(stream, device_of(stream.muxed_conn.peer_id), frame_limit), handler, protocol
            )

        self._host.set_stream_handler(self._protocol_id(protocol), on_stream)

    async def open(self, peer: DeviceId, protocol: str, *, frame_limit: int) -> FrameStream:
        """See `Network.open_stream`."""
        try:
            with trio.fail_after(_OPEN_S):
                stream = await self._host.new_stream(peer_id_of(peer), [self._protocol_id(protocol)])
        except (SwarmException, StreamFailure, StreamError, trio.TooSlowError) as error:
            raise NetworkError(f"{peer.short} does not open a {protocol} stream") from error
        return FrameStream(stream, peer, frame_limit)

    async def _serve_one(self, stream: FrameStream, handler: Handler, protocol: str) -> None:
        peer = stream.peer
        if self._inbound[peer] >= self._guard.limits.streams_per_peer:
            self._guard.drop("too many streams", peer.short)
            await stream.reset()
            return
        self._inbound[peer] += 1
        try:
            await handler(stream)
        except NetworkError as error:
            logger.debug("A %s stream of %s broke: %s", protocol, peer.short, error)
            await stream.reset()
        except ProtocolError as error:
            self._guard.drop("protocol error", f"{protocol} stream of {peer.short} ({error})")
            self._guard.offend(peer, "protocol errors")
            await stream.reset()
        except Exception:
            self._guard.drop("handler error", f"{protocol} stream of {peer.short}")
            logger.exception("The handler of %s failed; the stream is reset", protocol)
            await stream.reset()
        else:
            await stream.close()
        finally:
            self._inbound[peer] -= 1
            if not self._inbound[peer]:
                del self._inbound[peer]

    def _protocol_id(self, protocol: str) -> TProtocol:
        return TProtocol(f"/p2pchat/{self._name}/{protocol}")
