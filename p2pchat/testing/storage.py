"""A node's store without threads, and the moment at which its power goes.

Threads know nothing of virtual time. So changes run in the task that asks for them, one transaction
each, with the same promises as `store.writer.StoreService`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import trio

from p2pchat.errors import StoreError
from p2pchat.store.database import Database
from p2pchat.store.transaction import Change, Committed, Query
from p2pchat.store.writer import Along, followed

T = TypeVar("T")

SLOW: Final = 0.25  # so often a commit finds the disk busy


class Fuse:
    """Ends a node without any clean-up: now, or right behind a commit, before what has to follow it."""

    def __init__(self, on_blow: Callable[[], None]) -> None:
        self.scope = trio.CancelScope()
        self.is_blown = False
        self._on_blow = on_blow
        self._commits_left: int | None = None

    def blow(self) -> None:
        """The power goes now."""
        self.is_blown = True
        self._on_blow()
        self.scope.cancel()

    def blow_after(self, commits: int) -> None:
        """The power goes behind the so-manieth commit from now, the next being the first."""
        self._commits_left = commits

    def committed(self) -> None:
        """A commit has reached the disk."""
        if self._commits_left is not None:
            self._commits_left -= 1
            if self._commits_left == 0:
                self.blow()


class InlineStorage:
    """`node.storage.Storage` in the caller's own task."""

    def __init__(
        self,
        database: Database,
        carry_out: Callable[[list[object]], None],
        along: Along | None = None,
        *,
        fuse: Fuse,
        chances: random.Random,
        disk_s: float,
    ) -> None:
        self._database = database
        self._carry_out = carry_out
        self._along = along
        self._fuse = fuse
        self._chances = chances
        self._disk_s = disk_s

    async def run(self, change: Change[T]) -> T:
        """What `change` gives back, committed and with its effects carried out. Raises what it raised."""
        if self._chances.random() < SLOW:
            await trio.sleep(self._chances.uniform(0, self._disk_s))
        else:
            await trio.lowlevel.checkpoint()
        self._check_power()
        changes = [change] if self._along is None else followed([change], self._along)
        outcome, *others = self._database.transact_each(changes)
        if isinstance(outcome, Exception):
            raise outcome
        self._fuse.committed()
        if self._fuse.is_blown:
            await trio.lowlevel.checkpoint()  # the node's own tasks end here
            raise StoreError("the power went; what was asked for may have been done")
        effects = [
            effect for one in (outcome, *others) if isinstance(one, Committed) for effect in one.effects
        ]
        if effects:
            self._carry_out(effects)
        await trio.lowlevel.cancel_shielded_checkpoint()
        result: T = outcome.result
        return result

    async def run_each(self, changes: Sequence[Change[T]]) -> list[T | Exception]:
        """What each of `changes` gives back or raised."""
        answers: list[T | Exception] = []
        for change in changes:
            try:
                answers.append(await self.run(change))
            except Exception as error:
                answers.append(error)
        return answers

    async def read(self, query: Query[T]) -> T:
        """What `query` finds in the last commit."""
        await trio.lowlevel.checkpoint()
        self._check_power()
        return self._database.read(query)

    async def aside(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises."""
        await trio.lowlevel.checkpoint()
        self._check_power()
        return work()

    async def settle(self) -> None:
        """Leave nothing of what was changed or deleted in the store's files."""
        await trio.lowlevel.checkpoint()
        self._check_power()
        self._database.settle()

    def _check_power(self) -> None:
        if self._fuse.is_blown:  # only clean-up under a shield comes here
            raise StoreError("the power is gone")
