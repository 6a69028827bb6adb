"""A yamux connection: a task that reads, one that writes, and one that asks whether the peer lives."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio
from libp2p.abc import IMuxedConn
from libp2p.io.exceptions import IOException
from libp2p.network.connection.exceptions import RawConnError
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from noise.exceptions import NoiseInvalidMessage  # type: ignore[import-untyped]

from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.bucket import TokenBucket
from p2pchat.net.guard import Guard
from p2pchat.net.peers import device_of
from p2pchat.net.yamux import wire
from p2pchat.net.yamux.backlog import backlog
from p2pchat.net.yamux.liveness import ANSWER_S, Liveness
from p2pchat.net.yamux.outbox import Outbox
from p2pchat.net.yamux.stream import YamuxStream

logger = logging.getLogger(__name__)

_QUEUE_LIMIT: Final = 1024 * 1024  # reached by answers alone: a peer that asks, and does not read
_MOST_OUTBOUND: Final = 1024  # streams that we have open at a time
_REFUSED_STREAMS: Final = 1000  # streams beyond the limits that make a flood
_LINGER_S: Final = 60.0  # a stream that only the peer keeps open
_CLOSE_S: Final = 1.0


class YamuxConnection(IMuxedConn):
    """Streams over one secured connection. `start` serves it until it ends; `ended_because` tells why."""

    def __init__(self, guard: Guard, secured_conn: Any, peer_id: Any) -> None:
        now = trio.current_time()
        limits = guard.limits
        self.peer_id = peer_id
        self.secured_conn = secured_conn
        self.ended_because: str | None = None
        self.event_started = trio.Event()
        self.event_closed = trio.Event()
        self.on_close: Callable[[], Awaitable[None]] | None = None  # set by libp2p's SwarmConn
        self._guard = guard
        self._initiator = bool(secured_conn.is_initiator)
        self._next_id = 1 if self._initiator else 2
        self._last_peer_id = 0
        self._streams: dict[int, YamuxStream] = {}
        self._inbound = 0
        self._accept_send, self._accept_receive = trio.open_memory_channel[YamuxStream](
            limits.streams_per_connection
        )
        self._body_of: YamuxStream | None = None  # the stream that gets the pieces of the current body
        self._body_left = 0
        self._body_is_last = False
        self._unread = 0
        self._outbox = Outbox(secured_conn, guard.sent)
        self._liveness = Liveness(now, dialled=self._initiator)
        self._liveness_changed = trio.Event()
        self._pings: dict[int, trio.Event] = {}
        self._next_ping = 0
        self._scope = trio.CancelScope()
        self._new_streams = TokenBucket(limits.streams_per_second, limits.streams_per_connection, now)
        self._bytes = TokenBucket(limits.bytes_per_second, limits.bytes_per_second, now)
        self._refused = 0

    @property
    def is_initiator(self) -> bool:
        """Whether we dialled."""
        return self._initiator

    @property
    def is_established(self) -> bool:
        """Whether streams can be opened."""
        return self.event_started.is_set() and self.ended_because is None

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self.event_closed.is_set()

    @property
    def is_congested(self) -> bool:
        """Whether so much is queued that writers should wait for `drained`."""
        return self._outbox.is_congested

    async def start(self) -> None:
        """Serve the connection until it ends; never raises."""
        self.event_started.set()
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    for task in (self._read, self._write, self._watch):
                        nursery.start_soon(task)
        finally:
            self.end("cancelled")
            await self._tear_down()

    async def open_stream(self) -> YamuxStream:
        """A new stream to the peer.

        Raises:
            MuxedStreamError: the connection has ended, or too many streams are open.
        """
        if not self.is_established:
            raise MuxedStreamError("the connection is closed")
        if len(self._streams) - self._inbound >= _MOST_OUTBOUND:
            raise MuxedStreamError(f"{_MOST_OUTBOUND} streams are open already")
        stream = self._streams[self._next_id] = YamuxStream(self, self._next_id)
        self._next_id += 2
        self.send_control(wire.WINDOW_UPDATE, wire.SYN, stream.stream_id, 0)
        await trio.lowlevel.checkpoint()
        return stream

    async def accept_stream(self) -> YamuxStream:
        """The next stream that the peer opens.

        Raises:
            MuxedConnUnavailable: the connection has ended.
        """
        try:
            return await self._accept_receive.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            raise MuxedConnUnavailable("the connection is closed") from error

    async def ping(self) -> float:
        """Seconds that the peer takes to answer; the caller sets the deadline.

        Raises:
            NetworkError: the connection has ended.
        """
        began = trio.current_time()
        answered = self._ask()
        await answered.wait()
        if self.ended_because is not None:
            raise NetworkError("the connection ended before the answer")
        return trio.current_time() - began

    async def close(self) -> None:
        """Say goodbye, send what is queued, and end."""
        if self.event_started.is_set() and self.ended_because is None:
            self.send_control(wire.GO_AWAY, 0, 0, 0)
            with trio.move_on_after(_CLOSE_S):
                while self._outbox.size and self.ended_because is None:
                    await self.drained()
        self.end("closed")
        if self.event_started.is_set():
            await self.event_closed.wait()
        else:
            await self._tear_down()

    def doubt(self) -> None:
        """Ask the peer at once whether it is there; the connection ends if nothing comes back."""
        self._liveness.doubted(trio.current_time())
        self._liveness_changed.set()

    def end(self, reason: str) -> None:
        """End the connection without waiting; the first reason is kept."""
        if self.ended_because is None:
            self.ended_because = reason
            logger.debug("The connection to %s ended: %s", self.peer_id, reason)
            self._scope.cancel()

    # What streams ask of their connection.

    def send_data(self, frame: bytes) -> None:
        """Queue a data frame; see `is_congested`."""
        now = trio.current_time()
        if self._liveness.sent(now):
            self._liveness_changed.set()
        self._outbox.put(frame)

    def send_control(self, kind: int, flags: int, stream: int, length: int) -> None:
        """Queue a frame without a body; a peer that provokes many and reads none loses the connection."""
        if self._outbox.size > _QUEUE_LIMIT:
            self._drop("peer does not read")
        else:
            self._outbox.put(wire.header(kind, flags, stream, length))

    async def drained(self) -> None:
        """Return once something has been written, or the connection has ended."""
        await self._outbox.drained()

    def release(self, size: int) -> None:
        """`size` received bytes have been read or thrown away."""
        size = min(size, self._unread)  # nothing is left to release once the connection is gone
        self._unread -= size
        self._guard.unread -= size

    def forget(self, stream: YamuxStream) -> None:
        """`stream` has ended in both directions."""
        if self._streams.get(stream.stream_id) is stream:
            del self._streams[stream.stream_id]
            self._inbound -= self._is_peers(stream.stream_id)

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the other end, if it is a socket."""
        address: tuple[str, int] | None = self.secured_conn.get_remote_address()
        return address

    def get_transport_addresses(self) -> list[Any]:
        """Multiaddrs of the other end."""
        addresses: list[Any] = self.secured_conn.get_transport_addresses()
        return addresses

    def get_connection_type(self) -> Any:
        """Direct or relayed."""
        return self.secured_conn.get_connection_type()

    # The three tasks.

    async def _read(self) -> None:
        reader = wire.FrameReader()
        try:
            while True:
                data = await self.secured_conn.read()
                now = trio.current_time()
                self._liveness.heard(now)
                self._guard.received(len(data))
                for item in reader.feed(data):
                    if isinstance(item, bytes):
                        self._on_body(item)
                    else:
                        self._on_header(item, now)
                if wait := self._bytes.owe(len(data), now):
                    await trio.sleep(wait)
        except (IOException, RawConnError) as error:
            self.end(f"the connection broke ({type(error).__name__})")
        except ProtocolError as error:
            self._drop("yamux violation", str(error))
            address = self.get_remote_address()
            self._guard.ban(device_of(self.peer_id), str(error), address[0] if address else None)
        except NoiseInvalidMessage:  # may come from somebody in between, so it is no reason to ban
            self._drop("undecipherable bytes")
        except Exception as error:
            logger.exception("Reading from %s failed", self.peer_id)
            self._drop("reading failed", type(error).__name__)

    async def _write(self) -> None:
        try:
            await self._outbox.run()
        except Exception as error:
            self.end(f"the connection broke ({type(error).__name__})")

    async def _watch(self) -> None:
        while True:
            now = trio.current_time()
            self._sweep(now)
            if (due := self._liveness.due()) > now:
                self._liveness_changed = trio.Event()
                with trio.move_on_after(min(due - now, _LINGER_S)):
                    await self._liveness_changed.wait()
                continue
            answered = self._ask()
            waiting = self._backlog()
            with trio.move_on_after(ANSWER_S):
                await answered.wait()
            if answered.is_set() or self._liveness.was_heard_since(now):
                continue
            if not 0 < self._backlog() < waiting:  # a slow link, as long as it takes something
                self._drop("silent peer")
                return

    def _sweep(self, now: float) -> None:
        """Reset streams that only the peer keeps open."""
        for stream in list(self._streams.values()):
            if stream.closed_at is not None and now - stream.closed_at > _LINGER_S:
                self.send_control(wire.WINDOW_UPDATE, wire.RST, stream.stream_id, 0)
                stream.end_by_reset()

    # What arrives.

    def _on_header(self, head: wire.Header, now: float) -> None:
        if head.kind == wire.PING:
            if head.flags & wire.SYN:
                self.send_control(wire.PING, wire.ACK, 0, head.length)
            elif (answered := self._pings.pop(head.length, None)) is not None:
                answered.set()
            return
        if head.kind == wire.GO_AWAY:
            self.end("closed by the peer")
            return
        self._liveness.used(now)
        if head.flags & wire.SYN:
            self._on_syn(head.stream, now)
        stream = self._streams.get(head.stream)  # None: reset by us, and more was on the way
        self._body_of = stream
        if stream is None:
            return
        if head.kind == wire.DATA:
            if head.length > stream.receive_window:
                raise ProtocolError("more than the window allows")
            stream.receive_window -= head.length
            self._body_left = head.length
        else:
            stream.widen(head.length)
            self._body_left = 0
        self._body_is_last = bool(head.flags & wire.FIN)
        if head.flags & wire.RST:
            stream.end_by_reset()
        elif self._body_is_last and not self._body_left:
            stream.end_by_peer()

    def _on_syn(self, stream_id: int, now: float) -> None:
        if not self._is_peers(stream_id) or stream_id <= self._last_peer_id:
            raise ProtocolError("a stream id out of turn")
        self._last_peer_id = stream_id
        if self._inbound >= self._guard.limits.streams_per_connection or not self._new_streams.take(1, now):
            self._refuse(stream_id)
            return
        stream = self._streams[stream_id] = YamuxStream(self, stream_id)
        self._inbound += 1
        self.send_control(wire.WINDOW_UPDATE, wire.ACK, stream_id, 0)
        try:
            self._accept_send.send_nowait(stream)
        except trio.WouldBlock:
            stream.end_by_reset()
            self._refuse(stream_id)

    def _refuse(self, stream_id: int) -> None:
        self._guard.drop("too many streams", self.peer_id)
        self.send_control(wire.WINDOW_UPDATE, wire.RST, stream_id, 0)
        self._refused += 1
        if self._refused >= _REFUSED_STREAMS:
            raise ProtocolError("a flood of streams")

    def _on_body(self, piece: bytes) -> None:
        stream = self._body_of
        if stream is None or stream.is_reset:
            return
        limits = self._guard.limits
        self._unread += len(piece)
        self._guard.unread += len(piece)
        stream.receive(piece)
        self._body_left -= len(piece)
        if self._body_is_last and not self._body_left:
            stream.end_by_peer()
        if self._unread > limits.unread_per_connection or self._guard.unread > limits.unread:
            self._guard.drop("too much unread", self.peer_id)
            self.send_control(wire.WINDOW_UPDATE, wire.RST, stream.stream_id, 0)
            stream.end_by_reset()

    def _ask(self) -> trio.Event:
        self._next_ping = (self._next_ping + 1) & 0xFFFFFFFF
        answered = self._pings[self._next_ping] = trio.Event()
        self.send_control(wire.PING, wire.SYN, 0, self._next_ping)
        return answered

    def _backlog(self) -> int:
        return self._outbox.size + backlog(self.secured_conn)

    def _is_peers(self, stream_id: int) -> bool:
        return stream_id > 0 and stream_id % 2 != self._initiator

    def _drop(self, reason: str, detail: str = "") -> None:
        self._guard.drop(reason, f"{self.peer_id} {detail}".rstrip())
        self.end(reason)

    async def _tear_down(self) -> None:
        if self.event_closed.is_set():
            return
        for stream in list(self._streams.values()):
            stream.end_by_reset()
        self.release(self._unread)
        self._accept_send.close()
        for answered in self._pings.values():
            answered.set()
        self._outbox.wake()
        with trio.move_on_after(_CLOSE_S) as scope:
            scope.shield = True
            try:
                await self.secured_conn.close()
            except Exception as error:
                logger.debug("Closing a connection to %s: %s", self.peer_id, type(error).__name__)
        self.event_closed.set()
        if self.on_close is not None:
            await self.on_close()
