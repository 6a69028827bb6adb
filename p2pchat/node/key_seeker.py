"""Asks members for sender keys that did not come by themselves."""

from __future__ import annotations

import random
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import GroupId
from p2pchat.net.network import Network
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_messages
from p2pchat.node.storage import Storage
from p2pchat.store import messages

KEYS_S: Final = 3.0  # a key usually comes a moment after the message: only then is it asked for
LONGEST_S: Final = 600.0
ASKED: Final = 6  # members at a time, others the next time: in a large group few have it and all look for it


class KeySeeker:
    """Remembers for each group when to ask next, with growing pauses."""

    def __init__(self, app: App, store: Storage, network: Network, chances: random.Random) -> None:
        self._app = app
        self._store = store
        self._network = network
        self._chances = chances
        self._plans: dict[GroupId, tuple[float, float]] = {}  # when to ask next, and how long to wait then

    async def look(self) -> None:
        """Ask in the groups where it is time; to be called every `KEYS_S` seconds."""
        groups = await self._store.read(messages.conversations_waiting)
        now = trio.current_time()
        plans = {}
        for group in groups:
            due, pause = self._plans.get(group, (now + KEYS_S / 2, KEYS_S))
            if now >= due:
                connected = sorted(peer.peer for peer in self._network.state().peers)
                self._chances.shuffle(connected)
                await self._store.run(
                    partial(group_messages.ask_for_keys, self._app, group, connected, most=ASKED)
                )
                due, pause = now + pause, min(2 * pause, LONGEST_S)
            plans[group] = due, pause
        self._plans = plans
