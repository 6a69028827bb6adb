"""What the screens have in common: they show what the node says, and ask anew when something happened."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from textual.containers import Container
from textual.timer import Timer

from p2pchat.api import schema as s
from p2pchat_tui.link import NodeLink
from p2pchat_tui.program import Program

_SOON_S = 0.08  # what happens within this time is asked for once


class Pane(Container):
    """One of the screens behind the bar at the top."""

    def __init__(self, *children: Any, **settings: Any) -> None:
        super().__init__(*children, **settings)
        self._timer: Timer | None = None
        self.turn = asyncio.Lock()  # what is shown is loaded by one at a time: else an older answer could win

    @property
    def program(self) -> Program:
        """What the screens share."""
        return cast(Program, self.app)

    @property
    def link(self) -> NodeLink:
        """The connection to the node."""
        return self.program.link

    async def refresh_now(self) -> None:
        """Show what the node says now.

        Raises:
            P2PChatError: the node is away, or refuses.
        """
        async with self.turn:
            await self.load()

    async def load(self) -> None:
        """Ask the node for what is shown here. Called by who holds `turn`.

        Raises:
            P2PChatError: the node is away, or refuses.
        """
        raise NotImplementedError

    def happened(self, event: s.Event) -> None:
        """Something happened on the node."""
        self.refresh_soon()

    def refresh_soon(self) -> None:
        """Refresh once, shortly."""
        if self._timer is None:
            self._timer = self.set_timer(_SOON_S, self._refresh)

    def _refresh(self) -> None:
        self._timer = None
        self.run_worker(self._refresh_quietly(), group="refresh")

    async def _refresh_quietly(self) -> None:
        with self.program.refreshing():
            await self.refresh_now()
