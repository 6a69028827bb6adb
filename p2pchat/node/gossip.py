"""Gossip of groups: new entries as a hint to members that we are not connected with.

The topic's name is derived from the group's secret and the day, so it says nothing to those who see
it; the payload is sealed under the same secret, so that non-members who join the mesh learn only its
size and time. Entries in it are signed and their bodies sealed besides: members trust no carrier.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import trio

from p2pchat.core.group.veil import NONCE_SIZE, batches, unveil, veil
from p2pchat.core.ids import GroupId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.log.entry import Entry
from p2pchat.errors import ProtocolError
from p2pchat.net.network import Network, Topic
from p2pchat.node.endure import alone
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_log
from p2pchat.node.storage import Storage

logger = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000
SKEW_MS: Final = 3_600_000  # around midnight both days' topics are joined
_CHECK_S: Final = 600.0  # how often the day is looked at


def topic_name(secret: bytes, day: int) -> str:
    """The gossip topic of a group on a day (days since 1970)."""
    return tagged_hash("gossip topic", secret, day.to_bytes(8, "big")).hex()


class Gossip:
    """Takes part in the topics of all joined groups."""

    def __init__(self, app: App, store: Storage, network: Network) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._scopes: dict[GroupId, trio.CancelScope] = {}
        self._secrets: dict[GroupId, bytes] = {}
        self._topics: dict[tuple[GroupId, int], Topic] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for group, secret in self._secrets.items():
                self._listen(group, secret)
            await trio.sleep_forever()

    def set_groups(self, joined: dict[GroupId, bytes]) -> None:
        """These are the groups, with their secrets, whose gossip matters."""
        for group in set(self._secrets) - set(joined):
            self._scopes.pop(group, trio.CancelScope()).cancel()
        fresh = {group: secret for group, secret in joined.items() if group not in self._secrets}
        self._secrets = joined
        if self._nursery:
            for group, secret in fresh.items():
                self._listen(group, secret)

    async def publish(self, group: GroupId, raw_entries: Sequence[bytes]) -> None:
        """Offer new entries to members we may not be connected with."""
        topic = self._topics.get((group, self._app.now_ms() // DAY_MS))
        secret = self._secrets.get(group)
        if topic is None or secret is None:
            return
        for batch in batches(raw_entries):
            await topic.publish(veil(secret, batch, self._app.entropy(NONCE_SIZE)))

    def _listen(self, group: GroupId, secret: bytes) -> None:
        assert self._nursery is not None
        self._scopes[group] = trio.CancelScope()
        self._nursery.start_soon(self._follow_days, group, secret, self._scopes[group])

    async def _follow_days(self, group: GroupId, secret: bytes, scope: trio.CancelScope) -> None:
        listening: dict[int, trio.CancelScope] = {}
        with scope:
            async with trio.open_nursery() as nursery:
                while True:
                    now = self._app.now_ms()
                    wanted = {max(now - SKEW_MS, 0) // DAY_MS, (now + SKEW_MS) // DAY_MS}
                    for day in set(listening) - wanted:
                        listening.pop(day).cancel()
                    for day in wanted - set(listening):
                        listening[day] = trio.CancelScope()
                        nursery.start_soon(self._follow, group, secret, day, listening[day])
                    await trio.sleep(_CHECK_S)

    async def _follow(self, group: GroupId, secret: bytes, day: int, scope: trio.CancelScope) -> None:
        with scope:
            async with self._network.join(topic_name(secret, day), _validator(secret)) as topic:
                self._topics[group, day] = topic
                try:
                    async for payload in topic.payloads():
                        await self._take(group, secret, payload)
                finally:
                    del self._topics[group, day]

    async def _take(self, group: GroupId, secret: bytes, payload: bytes) -> None:
        async def take() -> None:
            try:
                entries = [Entry.decode(raw) for raw in unveil(secret, payload)]
                await self._store.run(lambda tx: group_log.take_hinted(self._app, tx, group, entries))
            except ProtocolError as error:
                logger.warning("Dropped gossip of a group: %s.", error)

        await alone("Gossip of a group", take)


def _validator(secret: bytes) -> Callable[[bytes], bool]:
    def is_of_a_member(payload: bytes) -> bool:
        try:
            unveil(secret, payload)
        except ProtocolError:
            return False
        return True

    return is_of_a_member
