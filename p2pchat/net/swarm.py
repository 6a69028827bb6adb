"""libp2p's swarm without its habits: it neither dials, nor prunes, nor forgets to let go by itself.

Faults of libp2p 0.8.1 that this subclass removes, each shown in tests/net/test_swarm.py:

* a listener goes deaf after 250 connections ever made, as inbound slots are held until the end;
* it dials whoever is in the peerstore when it has fewer than 100 connections;
* a failed dial blacklists the peer for a minute, and `connect` waits 250 ms for nothing (we dial ourselves);
* two connections from a simultaneous dial stay for ever;
* every device that was ever here stays in the peerstore and in the auto-connector: some 2 kB each;
* leaving `run` leaves connections open.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import trio
from libp2p.connection_types import ConnectionType
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.guard import Guard, RefusedError
from p2pchat.net.peers import device_of, peer_id_of
from p2pchat.net.upgrader import NoMuxerError

_SIMULTANEOUS_S: Final = 5.0  # connections both ways within this are one wish, later ones a reconnection
_LEAVE_S: Final = 0.5  # for the other end to have registered the connection that stays
_CLOSE_S: Final = 2.0
_GONE_KEPT: Final = 64  # peers that the peerstore may hold beside those that are connected

Redial = Callable[[DeviceId], Awaitable[None]]


class PeerSwarm(Swarm):
    """A swarm that leaves dialling to us, lets the guard decide, and keeps one connection per peer."""

    def __init__(self, guard: Guard, *args: Any, **kwargs: Any) -> None:
        ceiling = guard.limits.connections + guard.limits.handshakes  # the guard refuses long before
        super().__init__(
            *args,
            retry_config=RetryConfig(max_retries=0),
            connection_config=ConnectionConfig(
                max_connections=ceiling,
                high_watermark=ceiling,
                low_watermark=0,
                min_connections=0,
                max_connections_per_peer=guard.limits.connections_per_peer,
            ),
            **kwargs,
        )
        self.guard = guard
        self.redial: Redial | None = None
        self._dialling_back: dict[ID, float] = {}  # whom we asked to, and until when they may
        self._leaving: set[Any] = set()
        guard.on_ban = self._close_banned

    async def run(self) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            self.background_nursery = nursery
            self.transport_manager.set_background_nursery(nursery)
            self.transport_manager.set_swarm(self)
            self.event_background_nursery_created.set()
            await trio.sleep_forever()

    async def dial_peer(self, peer_id: ID) -> Any:
        """The connections to `peer_id`, dialled through what is remembered if there are none."""
        if not self.get_connections(peer_id):
            if self.redial is None:
                raise SwarmException("not connected")
            try:
                await self.redial(device_of(peer_id))
            except (NetworkError, ProtocolError) as error:
                raise SwarmException(str(error)) from error
        return self.get_connections(peer_id)

    async def add_conn(self, muxed_conn: Any, direction: str = "unknown") -> Any:
        """Register a connection whose peer has proved its key, if the guard has room for that peer."""
        try:
            await self._make_room(muxed_conn, direction)
        except (RefusedError, ProtocolError) as refusal:
            self.guard.drop(str(refusal), muxed_conn.peer_id)
            with trio.move_on_after(_CLOSE_S) as scope:
                scope.shield = True
                await muxed_conn.close()
            raise SwarmException(str(refusal)) from refusal
        connection = await super().add_conn(muxed_conn, direction)
        self._keep_one(connection)
        return connection

    def expect_dial_back(self, peer: ID, within_s: float) -> None:
        """`peer` was asked to dial us: a handshake that it does not finish is no fault."""
        now = trio.current_time()
        self._dialling_back = {one: until for one, until in self._dialling_back.items() if until > now}
        self._dialling_back[peer] = now + within_s

    async def close(self) -> None:
        """Tell every peer, then stop listening."""
        async with trio.open_nursery() as nursery:
            for connection in self.get_connections():
                nursery.start_soon(connection.close)
        await super().close()

    async def _make_room(self, muxed_conn: Any, direction: str) -> None:
        peer = muxed_conn.peer_id
        device = device_of(peer)
        if self.guard.is_banned(device):
            raise RefusedError("banned device")
        if len(self.get_connections(peer)) >= self.guard.limits.connections_per_peer:
            raise RefusedError("too many from one device")
        if len(self.get_connections()) < self.guard.limits.connections:
            return
        if direction == "inbound" and device not in self.guard.protected:
            raise RefusedError("too many connections")
        for connection in reversed(self.get_connections()):
            if device_of(connection.muxed_conn.peer_id) not in self.guard.protected:
                self.guard.drop("made room", connection.muxed_conn.peer_id)
                await connection.close()
                return

    async def notify_disconnected(self, conn: Any) -> None:
        """Tell the notifees, then forget a peer whose last connection this was."""
        await super().notify_disconnected(conn)
        self._forget(conn.muxed_conn.peer_id)
        # An identification that was still under way can have put a peer back.
        known = self.peerstore.peer_data_map
        if len(known) > len(self.connections) + _GONE_KEPT:
            for peer in list(known):
                self._forget(peer)

    def _forget(self, peer: ID) -> None:
        if peer != self.self_id and not self.connections.get(peer):
            self.auto_connector.clear_cooldown(peer)
            with suppress(PeerStoreError):
                self.peerstore.clear_peerdata(peer)

    def _keep_one(self, newest: Any) -> None:
        """Close all but one direct connection to a peer.

        Only the end with the smaller id decides, so that the two never close one each. Of a
        simultaneous dial its own survives; otherwise the newest does, for a peer that dials again
        has lost the old one, whatever we think of it.
        """
        peer = newest.muxed_conn.peer_id
        if self.self_id.to_bytes() > peer.to_bytes() or _is_relayed(newest):
            return
        rivals = [c for c in self.get_connections(peer) if not c.is_closed and not _is_relayed(c)]
        keep = newest
        for connection in rivals:
            both_ways = connection.direction != newest.direction
            if both_ways and time.time() - connection._created_at < _SIMULTANEOUS_S:
                keep = next(c for c in (connection, newest) if c.direction.name == "OUTBOUND")
        for connection in rivals:
            if connection is not keep:
                self.guard.counters["duplicate_connections"] += 1
                self._leaving.add(connection)
                self.manager.run_task(self._leave, connection)

    def _close_banned(self, device: DeviceId) -> None:
        for connection in self.get_connections(peer_id_of(device)):
            self.manager.run_task(connection.close)

    async def _leave(self, connection: Any) -> None:
        try:
            await trio.sleep(_LEAVE_S)
            await connection.close()
        finally:
            self._leaving.discard(connection)

    def _select_connection(self, connections: list[Any], peer_id: ID) -> Any:
        """The connection for a new stream: direct if there is one, and none that is about to close."""
        return min(connections, key=lambda c: (c in self._leaving, _is_relayed(c)))

    async def _handle_inbound_connection(self, read_write_closer: Any, maddr: Any) -> None:
        remote = read_write_closer.get_remote_address()
        host = remote[0] if remote else None
        try:
            with self.guard.arrival(host):
                with self.guard.handshake() as scope:
                    muxed = await self.upgrade_inbound_raw_conn(
                        RawConnection(read_write_closer, False), maddr
                    )
                if scope.cancelled_caught:
                    self.guard.drop("handshake pushed out", host)
                else:
                    await muxed.event_closed.wait()
        except RefusedError as refusal:
            self.guard.drop(str(refusal), host)
        except Exception as error:  # whatever a stranger's bytes provoke in multistream, Noise and yamux
            if self._dialled_back(error):
                self.guard.counters["dialled_back"] += 1
            else:
                self.guard.drop("handshake failed", f"{host} ({type(error).__name__})")
        finally:
            with trio.move_on_after(_CLOSE_S) as scope:
                scope.shield = True
                await read_write_closer.close()

    def _dialled_back(self, error: Exception) -> bool:
        """Whether a handshake ended early because the peer only tried, at our wish, if it gets so far."""
        cause = error.__cause__
        return (
            isinstance(cause, NoMuxerError) and self._dialling_back.get(cause.peer, 0.0) > trio.current_time()
        )

    def _schedule_auto_connect(self) -> None:
        """Whom to dial is not the swarm's to decide."""

    def _schedule_prune(self) -> None:
        """Whom to leave is the guard's to decide."""

    def _trim_connections(self, peer_id: ID) -> None:
        """Which connection to keep is decided in `_keep_one`."""


def _is_relayed(connection: Any) -> bool:
    return bool(connection.get_connection_type() == ConnectionType.RELAYED)
