"""The simulated overlay: who can reach whom, how long it takes, what it costs."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.net import protocols
from p2pchat.testing.conditions import Conditions
from p2pchat.testing.connections import Connection
from p2pchat.testing.host import SimHost
from p2pchat.testing.streams import Pipe, SimStream
from p2pchat.testing.topics import SimTopic

FRAME_HEADER: Final = 4  # bytes that a frame costs besides its own


class SimNet:
    """All hosts and what lies between them."""

    def __init__(self, chances: random.Random, conditions: Conditions, nursery: trio.Nursery) -> None:
        self.conditions = conditions
        self.hosts: dict[DeviceId, SimHost] = {}
        self.sent: Counter[str] = Counter()  # bytes by protocol, and "gossip"
        self.frames: Counter[str] = Counter()
        self.tape: list[tuple[DeviceId, DeviceId, bytes]] = []  # from, to, frame; if `conditions` say so
        self.bugs: list[Exception] = []  # what handlers raised that is nobody's fault but ours
        self._chances = chances
        self._nursery = nursery
        self._islands: dict[DeviceId, int] = {}
        self._topics: defaultdict[str, list[SimTopic]] = defaultdict(list)

    # --- who reaches whom ------------------------------------------------------------------------

    def attach(self, host: SimHost) -> None:
        """`host` goes on line."""
        self.hosts[host.device] = host

    def detach(self, host: SimHost) -> None:
        """`host` vanishes from one moment to the next; the others notice sooner or later."""
        if self.hosts.get(host.device) is host:
            del self.hosts[host.device]
        host.is_dead = True
        for connection in host.all_connections():
            self.cut(connection)
        for topics in self._topics.values():
            topics[:] = [topic for topic in topics if topic.host is not host]

    def reaches(self, one: DeviceId, other: DeviceId) -> bool:
        """Whether packets pass between two hosts that are on line."""
        islands = self._islands
        return one in self.hosts and other in self.hosts and islands.get(one, 0) == islands.get(other, 0)

    def partition(self, *islands: Collection[DeviceId]) -> None:
        """From now on packets pass only within each island; who is on none forms one more."""
        self._islands = {device: number for number, island in enumerate(islands, 1) for device in island}
        for host in list(self.hosts.values()):
            for connection in host.all_connections():
                if not self.reaches(host.device, connection.other(host).device):
                    self.cut(connection)

    def heal(self) -> None:
        """Packets pass everywhere again; connections that were cut stay dead."""
        self._islands = {}

    def cut(self, connection: Connection) -> None:
        """The connection dies; each end notices in its own time."""
        if connection.is_cut:
            return
        connection.is_cut = True
        for pair in connection.streams:
            for stream in pair:
                stream.stall()
        for host in connection.ends:
            self.later(self._chances.uniform(*self.conditions.notice_s), partial(host.lose, connection))

    def hang_up(self, connection: Connection) -> None:
        """One end has closed the connection, and the other hears of it at once."""
        connection.is_cut = True
        for host in connection.ends:
            host.lose(connection)

    # --- packets ---------------------------------------------------------------------------------

    def latency(self) -> float:
        """How long the next packet takes."""
        return self.conditions.latency(self._chances)

    def open_pair(
        self, connection: Connection, opener: SimHost, protocol: str, limits: tuple[int, int]
    ) -> tuple[SimStream, SimStream]:
        """A new stream over `connection`: the opener's end and the other; limits for what each receives."""
        answerer = connection.other(opener)
        there, back = Pipe(limits[1]), Pipe(limits[0])

        def count(sender: DeviceId, receiver: DeviceId, frames: Sequence[bytes]) -> Sequence[bytes]:
            if protocol == protocols.DIRECT and self.conditions.is_taped:
                self.tape += [(sender, receiver, frame) for frame in frames]
            if protocol == protocols.DIRECT and self._chances.random() < self.conditions.repeats:
                frames = [*frames, *frames]
            self.frames[protocol] += len(frames)
            self.sent[protocol] += sum(map(len, frames)) + FRAME_HEADER * len(frames)
            return frames

        one, other = opener.device, answerer.device
        pair = (
            SimStream(other, back, there, self.latency, partial(count, one, other)),
            SimStream(one, there, back, self.latency, partial(count, other, one)),
        )
        connection.prune()
        connection.streams.append(pair)
        return pair

    def gossip(self, name: str, publisher: SimTopic, payload: bytes) -> None:
        """Bring `payload` to those who listen, as gossip does: not to all, some twice, out of order."""
        for topic in self._topics[name]:
            if topic is publisher or not self.reaches(publisher.host.device, topic.host.device):
                continue
            if self._chances.random() < self.conditions.gossip_loss:
                continue
            for _ in range(self._chances.randint(1, self.conditions.gossip_copies)):
                self.sent["gossip"] += len(payload)
                self.frames["gossip"] += 1
                topic.arrive(payload, self._chances.uniform(0, self.conditions.gossip_delay_s))

    def listen(self, name: str, topic: SimTopic) -> None:
        """`topic` takes part."""
        self._topics[name].append(topic)

    def leave(self, name: str, topic: SimTopic) -> None:
        """`topic` takes part no more."""
        if topic in self._topics[name]:
            self._topics[name].remove(topic)

    def later(self, delay: float, act: Callable[[], None]) -> None:
        """Do `act` in `delay` seconds."""
        self._nursery.start_soon(_later, delay, act)

    def draw(self, low: float, high: float) -> float:
        """A number between the two."""
        return self._chances.uniform(low, high)


async def _later(delay: float, act: Callable[[], None]) -> None:
    await trio.sleep(delay)
    act()
