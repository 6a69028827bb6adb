"""Reconciliation of group logs with connected members over sync/1.

Two connected members share one stream, for all their common groups: each frame is the group's id and
a frame of that group's `SyncSession`; nothing behind the id says "I do not share this with you (any more,
or yet)", and ends the session on both sides. New entries are pushed as they are committed; a round follows
shortly after, and every 30 to 60 seconds, and finds whatever was lost. docs/protocol/sync.md
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId, GroupId, Id
from p2pchat.core.sync.farewell import Farewell
from p2pchat.core.sync.session import SyncSession
from p2pchat.errors import NetworkError, ProtocolError, StoreError
from p2pchat.net import protocols
from p2pchat.net.network import Network, Stream
from p2pchat.node.endure import one_error
from p2pchat.node.features import group_log, group_views
from p2pchat.node.features.app import App
from p2pchat.node.storage import Storage
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

ROUND_S: Final = (30.0, 60.0)  # between rounds in which nothing was heard
SETTLE_S: Final = 0.1  # entries that arrive within so long are one round's matter
YIELD_S: Final = 3.0  # the device with the higher id leaves opening the stream to the other for so long
RETRY_S: Final = 5.0
MAX_UNSHARED: Final = 4096  # groups of which a peer said that it does not share them
_FRAMES_AT_ONCE: Final = 8  # read from the store and written before others get a turn


class GroupSync:
    """Keeps the logs of all groups equal with every connected member."""

    def __init__(self, app: App, store: Storage, network: Network, chances: random.Random) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._chances = chances
        self._talks: dict[DeviceId, _Talk] = {}
        network.serve(protocols.SYNC, self._serve, frame_limit=protocols.SYNC_FRAME_LIMIT)

    async def accompany(self, device: DeviceId) -> None:
        """Reconcile with `device` while it is connected, if we have groups in common."""
        if device < self._app.device:
            await trio.sleep(YIELD_S)
        while self._network.is_connected(device):
            shared = await self._store.read(lambda tx: group_views.shared_with(self._app, tx, device))
            if shared and device not in self._talks:
                try:
                    stream = await self._network.open_stream(
                        device, protocols.SYNC, frame_limit=protocols.SYNC_FRAME_LIMIT
                    )
                    await self._talk(stream, initiator=True)
                except (NetworkError, StoreError) as error:
                    logger.debug("No reconciliation with %s: %s.", device.short, error)
            await trio.sleep(RETRY_S)

    def grew(self, group: GroupId, mine: Sequence[bytes]) -> None:
        """A group's log has new entries; `mine` are to be pushed at once."""
        for talk in self._talks.values():
            talk.grew(group, mine)

    def circles_changed(self) -> None:
        """Groups or members have changed."""
        for talk in self._talks.values():
            talk.circles_changed()

    async def _serve(self, stream: Stream) -> None:
        def may_speak(tx: Reader) -> bool:
            peer = stream.peer
            return bool(group_views.shared_with(self._app, tx, peer)) or group_views.is_parted(
                self._app, tx, peer
            )

        if await self._store.read(may_speak):
            await self._talk(stream, initiator=False)

    async def _talk(self, stream: Stream, *, initiator: bool) -> None:
        device = stream.peer
        talk = _Talk(self._app, self._store, stream, self._chances, initiator=initiator)
        self._talks.setdefault(device, talk)
        try:
            await talk.run()
            if talk.fault is not None:
                logger.warning("Ended reconciliation with %s: %s.", device.short, talk.fault)
        finally:
            if self._talks.get(device) is talk:
                del self._talks[device]
            await stream.close()


class _Talk:
    """One sync/1 stream."""

    def __init__(
        self, app: App, store: Storage, stream: Stream, chances: random.Random, *, initiator: bool
    ) -> None:
        self._app = app
        self._store = store
        self._stream = stream
        self._chances = chances
        self._initiator = initiator
        self.fault: ProtocolError | None = None  # why the stream had to be ended
        self._sessions: dict[GroupId, SyncSession] = {}
        self._farewells: dict[GroupId, Farewell] = {}
        self._unshared: set[GroupId] = set()  # groups that the peer does not share, as it said
        self._refusals: list[GroupId] = []  # groups of which we have to say so
        self._pushes: list[tuple[GroupId, Sequence[bytes]]] = []
        self._due: set[GroupId] = set()  # groups that deserve a round soon
        self._work = trio.Event()
        self._look = True  # whether the set of common groups has to be looked up
        self._settle_at = float("inf")

    async def run(self) -> None:
        with one_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read()
                nursery.cancel_scope.cancel()

    def grew(self, group: GroupId, mine: Sequence[bytes]) -> None:
        if group in self._sessions:
            if mine:
                self._pushes.append((group, mine))
                self._work.set()
            self._due_soon(group)

    def circles_changed(self) -> None:
        self._look = True
        self._work.set()

    def _due_soon(self, group: GroupId) -> None:
        if not self._due:
            self._settle_at = trio.current_time() + SETTLE_S
        self._due.add(group)
        self._work.set()

    async def _read(self) -> None:
        try:
            while frames := await self._stream.receive():
                await self._store.run(partial(self._take, frames))
                self._work.set()
        except NetworkError:
            return
        except ProtocolError as error:
            self.fault = error

    def _take(self, frames: list[bytes], tx: Transaction) -> None:
        """Runs in the store's thread, as all that touches the sessions."""
        shared: set[GroupId] | None = None
        for frame in frames:
            group = GroupId(frame[: Id.size])
            if len(frame) == Id.size:
                if group in self._sessions or len(self._unshared) < MAX_UNSHARED:
                    self._unshared.add(group)
                self._sessions.pop(group, None)
                continue
            self._unshared.discard(group)
            session = self._sessions.get(group)
            if session is None:
                if shared is None:
                    shared = set(group_views.shared_with(self._app, tx, self._stream.peer))
                if group not in shared:
                    self._refuse(group, frame[Id.size :], tx)
                    continue
                self._farewells.pop(group, None)
                session = self._sessions[group] = SyncSession(group, initiator=self._initiator)
            entries = session.receive(frame[Id.size :], StoredLog(tx, group))
            if entries:
                group_log.take_entries(self._app, tx, group, entries)
            if session.peer_heights is not None:
                group_log.peer_holds(self._app, tx, group, self._stream.peer, session.peer_heights)

    def _refuse(self, group: GroupId, frame: bytes, tx: Reader) -> None:
        if group not in self._farewells:
            heights = group_views.parting_heights(self._app, tx, group, self._stream.peer)
            if heights is None:
                self._refusals.append(group)
                return
            self._farewells[group] = Farewell(heights)
        self._farewells[group].receive(frame)

    async def _write(self) -> None:
        try:
            round_at = trio.current_time() + self._chances.uniform(*ROUND_S)
            while True:
                self._work = trio.Event()
                now = trio.current_time()
                starting: set[GroupId] = set()
                if now >= self._settle_at:
                    starting, self._due, self._settle_at = self._due, set(), float("inf")
                everybody = now >= round_at or self._look
                if everybody:
                    round_at = now + self._chances.uniform(*ROUND_S)
                pushes, self._pushes = self._pushes, []
                look, self._look = self._look, False
                frames = await self._store.run(partial(self._frames, look, everybody, starting, pushes))
                if frames:
                    await self._stream.send(frames)
                    continue
                with trio.move_on_at(min(round_at, self._settle_at)):
                    await self._work.wait()
        except NetworkError:
            return

    def _frames(
        self,
        look: bool,
        everybody: bool,
        starting: set[GroupId],
        pushes: Sequence[tuple[GroupId, Sequence[bytes]]],
        tx: Reader,
    ) -> list[bytes]:
        if look:
            shared = set(group_views.shared_with(self._app, tx, self._stream.peer))
            for group in set(self._sessions) - shared:
                del self._sessions[group]
            for group in shared - set(self._sessions) - self._unshared:
                self._sessions[group] = SyncSession(group, initiator=self._initiator)
        for group, raw_entries in pushes:
            if group in self._sessions:
                self._sessions[group].push(raw_entries)
        frames: list[bytes] = list(self._refusals)
        self._refusals.clear()
        for group, farewell in self._farewells.items():
            while len(frames) < _FRAMES_AT_ONCE and (said := farewell.next_frame(StoredLog(tx, group))):
                frames.append(group + said)
        for group, session in self._sessions.items():
            log = StoredLog(tx, group)
            if everybody or group in starting:
                session.start(log)
            while len(frames) < _FRAMES_AT_ONCE and (frame := session.next_frame(log)) is not None:
                frames.append(group + frame)
        return frames
