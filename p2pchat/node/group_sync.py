"""Reconciliation of group logs with connected members over sync/1.

Two connected members share one stream, for all their common groups: each frame is the group's id and
a frame of that group's `SyncSession`; nothing behind the id says "I do not share this with you (any more,
or yet)", and ends the session on both sides. New entries are pushed as they are committed; a round with a few
members follows shortly after, and others at pauses that grow while they find nothing. docs/protocol/sync.md
"""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId, GroupId, Id
from p2pchat.core.sync.farewell import Farewell
from p2pchat.core.sync.frames import pack_entries
from p2pchat.core.sync.session import SyncSession
from p2pchat.errors import NetworkError, ProtocolError, StoreError
from p2pchat.net import protocols
from p2pchat.net.network import Network, Stream
from p2pchat.node.endure import one_error
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_log, group_views
from p2pchat.node.storage import Storage
from p2pchat.store import logs
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

ROUND_S: Final = (30.0, 60.0)  # between the first rounds; each that finds nothing doubles the next pause
MOST_DOUBLINGS: Final = 5  # to half an hour: rounds find what pushes lost, and streams lose nothing
SPELL_S: Final = 10.0  # silence after which a frame is the beginning of the peer's own round
SETTLE_S: Final = 0.3  # a round follows when a log has not grown for so long,
LONGEST_SETTLE_S: Final = 3.0  # or has grown for so long: until then pushes do its work
PUSHED_SETTLE_S: Final = 2.0  # the same two where all that is new is pushed by who wrote it: a round
LONGEST_PUSHED_SETTLE_S: Final = 10.0  # would fetch a second time what is under way
COMPANIONS: Final = 6  # with whom it is held: so about one node in e^6 is asked by none of the others
YIELD_S: Final = 3.0  # the device with the higher id leaves opening the stream to the other for so long
RETRY_S: Final = (0.1, 5.0)  # first and longest pause after a stream broke while the connection stays
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
        self._accompanied: set[DeviceId] = set()
        self._circles: dict[GroupId, _Circle] = {}
        self._changed = trio.Event()
        network.serve(protocols.SYNC, self._serve, frame_limit=protocols.SYNC_FRAME_LIMIT)

    async def accompany(self, device: DeviceId) -> None:
        """Reconcile with `device` while it is connected, if we have groups in common."""
        if device in self._accompanied:  # it was away for less than that task took to notice
            return
        self._accompanied.add(device)
        try:
            await self._reconcile(device)
        finally:
            self._accompanied.discard(device)

    async def _reconcile(self, device: DeviceId) -> None:
        is_higher = device < self._app.device
        yields, pause = is_higher, RETRY_S[0]
        while self._network.is_connected(device):
            began, changed = trio.current_time(), self._changed
            shared = await self._store.read(lambda tx: group_views.shared_with(self._app, tx, device))
            if not shared or device in self._talks:
                yields = is_higher and device in self._talks
                with trio.move_on_after(ROUND_S[0]):
                    await changed.wait()
            elif yields:
                await trio.sleep(YIELD_S)
                yields = False
            else:
                try:
                    stream = await self._network.open_stream(
                        device, protocols.SYNC, frame_limit=protocols.SYNC_FRAME_LIMIT
                    )
                    await self._talk(stream, initiator=True)
                except (NetworkError, StoreError) as error:
                    logger.debug("No reconciliation with %s: %s.", device.short, error)
                yields = is_higher
                if trio.current_time() - began > RETRY_S[1]:
                    pause = RETRY_S[0]
                await trio.sleep(pause)
                pause = min(2 * pause, RETRY_S[1])

    def grew(self, group: GroupId, mine: Sequence[bytes], *, only_pushed: bool) -> None:
        """A group's log has new entries; `mine` are to be pushed at once. `only_pushed`: see `GroupGrew`."""
        frames = [group + frame for frame in pack_entries(mine)]
        sharing = [talk for talk in self._talks.values() if talk.shares(group)]
        circle = self._circle(group, sharing, only_pushed)
        for talk in sharing:
            talk.push(frames)
            if talk in circle.talks:
                talk.settle(group, circle.quiet_at)

    def _circle(self, group: GroupId, sharing: Sequence[_Talk], only_pushed: bool) -> _Circle:
        """The few with whom a log that grows now is compared once it is quiet; others the next time."""
        now = trio.current_time()
        settle_s, longest_s = (
            (PUSHED_SETTLE_S, LONGEST_PUSHED_SETTLE_S) if only_pushed else (SETTLE_S, LONGEST_SETTLE_S)
        )
        circle = self._circles.get(group)
        if circle is None or now >= circle.quiet_at or circle.talks.isdisjoint(sharing):
            few = self._chances.sample(sharing, min(COMPANIONS, len(sharing)))
            circle = self._circles[group] = _Circle(frozenset(few), now + longest_s)
        circle.quiet_by = min(circle.quiet_by, now + longest_s)
        circle.quiet_at = min(now + settle_s, circle.quiet_by)
        return circle

    def reaches(self, group: GroupId, devices: Collection[DeviceId]) -> bool:
        """Whether what is pushed in `group` goes to all of `devices`."""
        return all(device in self._talks and self._talks[device].shares(group) for device in devices)

    def circles_changed(self) -> None:
        """Groups or members have changed."""
        self._wake()
        for talk in self._talks.values():
            talk.circles_changed()

    def lost(self) -> None:
        """A connection is gone."""
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

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
                self._wake()  # the other end may leave it to us to open the next
            await stream.close()


@dataclass(slots=True)
class _Circle:
    """Whom a group's log is compared with once it is quiet, and when that is."""

    talks: frozenset[_Talk]
    quiet_by: float
    quiet_at: float = float("-inf")


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
        self._pushes: list[bytes] = []  # frames that need nothing from the store
        self._due: dict[GroupId, float] = {}  # when groups deserve a round
        self._work = trio.Event()
        self._quiet = 0  # rounds in a row that found nothing
        self._round_at = 0.0
        self._heard = float("-inf")
        self._look = True  # whether the set of common groups has to be looked up
        self._speaks = False  # whether sessions have something to write

    async def run(self) -> None:
        with one_error():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read()
                nursery.cancel_scope.cancel()

    def shares(self, group: GroupId) -> bool:
        return group in self._sessions

    def push(self, frames: Sequence[bytes]) -> None:
        if frames:
            self._pushes += frames
            self._work.set()

    def settle(self, group: GroupId, at: float) -> None:
        """Hold a round about a group at that time."""
        self._quiet = 0
        is_next = at < min(self._due.values(), default=float("inf"))
        self._due[group] = at
        if is_next:  # else the writer wakes early enough by itself
            self._work.set()

    def circles_changed(self) -> None:
        self._look = True
        self._work.set()

    async def _read(self) -> None:
        try:
            while frames := await self._stream.receive():
                self._spoken()
                self._speaks |= await self._store.run(partial(self._take, frames))
                if self._speaks:
                    self._work.set()
        except NetworkError:
            return
        except ProtocolError as error:
            self.fault = error

    def _take(self, frames: list[bytes], tx: Transaction) -> bool:
        """Take frames; whether there is something to write. Runs in the store's thread, as all that
        touches the sessions."""
        shared: set[GroupId] | None = None
        pushed: set[GroupId] = set()  # groups in which the peer pushed entries of his own
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
            is_pushed = session.is_settled and session.brought_by == self._stream.peer
            if entries:
                self._quiet = 0
                group_log.take_entries(self._app, tx, group, entries, pushed=is_pushed)
            if is_pushed:  # be they known already
                pushed.add(group)
            if session.peer_heights is not None:
                group_log.peer_holds(self._app, tx, group, self._stream.peer, session.peer_heights)
        for group in pushed & self._sessions.keys():
            head = logs.chain_head(tx, group, self._stream.peer)
            if head is not None:
                self._sessions[group].held({self._stream.peer: head.seq})
        return bool(self._refusals or self._farewells) or any(
            session.has_frames for session in self._sessions.values()
        )

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
            self._begin_round()
            while True:
                self._work = trio.Event()
                frames, self._pushes = self._pushes, []
                now = trio.current_time()
                starting = {group for group, at in self._due.items() if now >= at}
                for group in starting:
                    del self._due[group]
                everybody = now >= self._round_at
                if everybody:
                    self._begin_round()
                look, self._look = self._look, False
                if look or everybody or starting or self._speaks:
                    self._speaks = False
                    frames += await self._store.run(partial(self._frames, look, everybody, starting))
                if frames:
                    await self._stream.send(frames)
                    continue
                with trio.move_on_at(min((self._round_at, *self._due.values()))):
                    await self._work.wait()
        except NetworkError:
            return

    def _spoken(self) -> None:
        """The peer has sent something: after a silence that is a round of its own, which spares ours."""
        if trio.current_time() - self._heard > SPELL_S:
            self._begin_round()
        self._heard = trio.current_time()

    def _begin_round(self) -> None:
        """A round of either side begins: plan the next."""
        self._heard = trio.current_time()
        self._round_at = self._heard + self._chances.uniform(*ROUND_S) * 2 ** min(self._quiet, MOST_DOUBLINGS)
        self._quiet += 1

    def _frames(self, look: bool, everybody: bool, starting: set[GroupId], tx: Reader) -> list[bytes]:
        if look:
            shared = set(group_views.shared_with(self._app, tx, self._stream.peer))
            for group in set(self._sessions) - shared:
                del self._sessions[group]
                heights = group_views.parting_heights(self._app, tx, group, self._stream.peer)
                if heights is not None:
                    self._farewells[group] = Farewell(heights)
            for group in shared - set(self._sessions) - self._unshared:
                self._sessions[group] = SyncSession(group, initiator=self._initiator)
                starting.add(group)
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
        self._speaks = len(frames) >= _FRAMES_AT_ONCE  # there may be more
        return frames
