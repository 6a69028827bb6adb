"""The store for trio: changes of many tasks share one commit, reads run beside them.

Waiting for the disk costs more than everything else in a small change. So while one batch is being
committed in a worker thread, callers queue up, and what has queued up is the next batch (group
commit). There is no task and no thread that has to be started or ended: the first caller that finds
nobody at work commits for all who wait, then wakes them and the one who leads the next batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import trio

from p2pchat.store.database import Database
from p2pchat.store.transaction import Change, Committed, Query

T = TypeVar("T")

MAX_BATCH: Final = 256  # changes in one commit; bounds how long the first of them waits for the last
SETTLE_PATIENCE_MS: Final = (
    200  # with readers, while changes wait; a backup that is being written takes longer
)
MAX_READS: Final = 4  # at once, each with its own connection and page cache


class _Request:
    """A change on its way, and the task of its caller while that sleeps."""

    __slots__ = ("change", "outcome", "sleeper")

    def __init__(self, change: Change[Any]) -> None:
        self.change = change
        self.outcome: Committed[Any] | BaseException | None = None
        self.sleeper: trio.lowlevel.Task | None = None

    async def sleep(self) -> None:
        """Wait for `wake`, deaf to cancellation; an Event in a shield would cost as much as the change."""
        self.sleeper = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)

    def wake(self) -> None:
        """End the caller's sleep; no-op if it is awake."""
        if self.sleeper is not None:
            trio.lowlevel.reschedule(self.sleeper)
            self.sleeper = None


class StoreService:
    """Runs changes and queries of trio tasks on `database`, which the caller opens and closes.

    `carry_out` is called in the trio thread with the effects of each batch once it is on the disk, in
    the order of the changes, before any of their callers resume. It must not raise.
    """

    def __init__(self, database: Database, carry_out: Callable[[list[object]], None]) -> None:
        self._database = database
        self._carry_out = carry_out
        self._queue: list[_Request] = []
        self._led = False  # somebody commits, or has been woken to commit next
        self._writing = trio.CapacityLimiter(1)  # of our own, so that reads never take the writer's thread
        self._reading = trio.CapacityLimiter(MAX_READS)

    async def run(self, change: Change[T]) -> T:
        """What `change` gives back, once it is on the disk. It runs in a worker thread, as in `transact`.

        A cancelled caller either has not begun or waits out the commit, a matter of milliseconds, and gets
        its result: a change never happens behind the back of a caller that was told otherwise.

        Raises:
            StoreError: the disk or the file failed; the change was not made.
            Exception: whatever `change` raised; it was undone alone.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        request = _Request(change)
        self._queue.append(request)
        if self._led:
            await request.sleep()
        if request.outcome is None:
            with trio.CancelScope(shield=True):
                await self._lead()
        outcome = request.outcome
        assert outcome is not None
        if isinstance(outcome, BaseException):
            raise outcome
        result: T = outcome.result
        return result

    async def read(self, query: Query[T]) -> T:
        """What `query` finds in the last commit, in a worker thread; waits for no writer.

        Raises:
            StoreError: the disk or the file failed.
        """
        return await trio.to_thread.run_sync(self._database.read, query, limiter=self._reading)

    async def settle(self) -> None:
        """Leave nothing of what was changed or deleted in the store's files; changes wait for it.

        Raises:
            InUseError: a reader was in the way; try again later.
            StoreError: the disk failed.
        """
        settle = partial(self._database.settle, patience_ms=SETTLE_PATIENCE_MS)
        await trio.to_thread.run_sync(settle, limiter=self._writing)

    async def _lead(self) -> None:
        """Commit the first of the queue, ourselves among them, and pass the lead on."""
        self._led = True
        batch = self._queue[:MAX_BATCH]
        del self._queue[:MAX_BATCH]
        try:
            await self._commit(batch)
        finally:
            for request in batch:
                request.wake()
            self._led = bool(self._queue)
            if self._queue:
                self._queue[0].wake()

    async def _commit(self, batch: list[_Request]) -> None:
        changes = [request.change for request in batch]
        try:
            outcomes = await trio.to_thread.run_sync(
                self._database.transact_each, changes, limiter=self._writing
            )
        except BaseException as error:
            # Nobody may sleep for ever, least of all in a shield: the failure is everybody's.
            for request in batch:
                request.outcome = error
            if not isinstance(error, Exception):
                raise
            return
        effects: list[object] = []
        for request, outcome in zip(batch, outcomes, strict=True):
            request.outcome = outcome
            if isinstance(outcome, Committed):
                effects += outcome.effects
        if effects:
            self._carry_out(effects)
