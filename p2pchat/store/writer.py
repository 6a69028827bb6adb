"""The store for trio: changes of many tasks share one commit, reads run beside them.

Waiting for the disk costs more than everything else in a small change. So while one batch is being
committed in a worker thread, callers queue up, and what has queued up is the next batch (group
commit). There is no task and no thread that has to be started or ended: the first caller that finds
nobody at work commits for all who wait, then wakes them and the one who leads the next batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import trio

from p2pchat.errors import StoreError
from p2pchat.store.database import Database
from p2pchat.store.sqlite import WAL_PAGES
from p2pchat.store.transaction import Change, Committed, Query, Transaction

logger = logging.getLogger(__name__)

T = TypeVar("T")

Along: TypeAlias = Callable[[Transaction, list[object]], None]
"""What is done in the same commit behind the changes that share it, when their effects are known."""

MAX_BATCH: Final = 256  # changes in one commit; bounds how long the first of them waits for the last
INDEX_S: Final = 1.0  # after a text came alone, and those behind it, they are indexed
SETTLE_PATIENCE_MS: Final = (
    200  # with readers, while changes wait; a backup that is being written takes longer
)
BACKSTOP: Final = 4  # times WAL_PAGES, beyond which the writer shortens the WAL itself
MAX_READS: Final = 4  # at once, each with its own connection and page cache


class _Request:
    """Changes on their way, and the task of their caller while that sleeps."""

    __slots__ = ("changes", "outcomes", "sleeper")

    def __init__(self, changes: Sequence[Change[Any]]) -> None:
        self.changes = changes
        self.outcomes: Sequence[Committed[Any] | Exception] | BaseException | None = None
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


async def _in_thread(work: Callable[[], T]) -> T:
    """What `work` gives or raises in a thread; deaf to cancellation.

    `trio.to_thread` counts threads, copies context and lets work be abandoned: another turn of the event
    loop, and twice the CPU. A commit needs none of it.
    """
    task, token = trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()

    def deliver(outcome: Any) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(trio.lowlevel.reschedule, task, outcome)

    trio.lowlevel.start_thread_soon(work, deliver, "the store")
    result: T = await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)
    return result


class Engine(Protocol):
    """What commits: `Database`, or another that keeps its promises."""

    def transact_each(self, changes: Sequence[Change[T]]) -> list[Committed[T] | Exception]:
        """See `Database`."""
        ...

    def read(self, query: Query[T]) -> T:
        """See `Database`."""
        ...


class GroupCommit:
    """Runs changes and queries of trio tasks on `database`, which the caller opens and closes.

    `carry_out` is called in the trio thread with the effects of each batch once it is on the disk, in
    the order of the changes, before any of their callers resume. It must not raise. `along` is called in
    the worker thread, in the transaction of each batch, and undone alone if it raises.
    """

    def __init__(
        self, database: Engine, carry_out: Callable[[list[object]], None], along: Along | None = None
    ) -> None:
        self._database = database
        self._carry_out = carry_out
        self._along = along
        self._queue: list[_Request] = []
        self._led = False  # somebody commits, or has been woken to commit next
        self._reading = trio.CapacityLimiter(MAX_READS)

    async def run(self, change: Change[T]) -> T:
        """What `change` gives back, once it is on the disk. It runs in a worker thread, as in `transact`.

        A cancelled caller either has not begun or waits out the commit, a matter of milliseconds, and gets
        its result: a change never happens behind the back of a caller that was told otherwise.

        Raises:
            StoreError: the disk or the file failed; the change was not made.
            Exception: whatever `change` raised; it was undone alone.
        """
        (outcome,) = await self._commit_with_others([change])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome.result

    async def run_each(self, changes: Sequence[Change[T]]) -> list[T | Exception]:
        """What each of `changes` gives back or raised, once all that succeeded are on the disk.

        They are made in their order, in one commit unless they are more than `MAX_BATCH`. As with `run`.

        Raises:
            StoreError: the disk or the file failed; none of those that were to share the commit was made.
        """
        answers: list[T | Exception] = []
        for first in range(0, len(changes), MAX_BATCH):
            outcomes = await self._commit_with_others(changes[first : first + MAX_BATCH])
            answers += [one if isinstance(one, Exception) else one.result for one in outcomes]
        return answers

    async def read(self, query: Query[T]) -> T:
        """What `query` finds in the last commit, in a worker thread; waits for no writer.

        Raises:
            StoreError: the disk or the file failed.
        """
        return await trio.to_thread.run_sync(self._database.read, query, limiter=self._reading)

    async def _commit_with_others(self, changes: Sequence[Change[T]]) -> Sequence[Committed[T] | Exception]:
        await trio.lowlevel.checkpoint_if_cancelled()
        request = _Request(changes)
        self._queue.append(request)
        if self._led:
            await request.sleep()
        if request.outcomes is None:
            await self._lead()
        outcomes = request.outcomes
        assert outcomes is not None
        if isinstance(outcomes, BaseException):
            raise outcomes
        return outcomes

    async def _lead(self) -> None:
        """Commit the first of the queue, ourselves among them, and pass the lead on."""
        self._led = True
        batch = self._take_batch()
        try:
            await self._commit(batch)
        finally:
            for request in batch:
                request.wake()
            self._led = bool(self._queue)
            if self._queue:
                self._queue[0].wake()

    def _take_batch(self) -> list[_Request]:
        """The first of the queue, with at most `MAX_BATCH` changes in all."""
        count = size = 0
        for request in self._queue:
            size += len(request.changes)
            if count and size > MAX_BATCH:
                break
            count += 1
        batch = self._queue[:count]
        del self._queue[:count]
        return batch

    async def _commit(self, batch: list[_Request]) -> None:
        changes = [change for request in batch for change in request.changes]
        if self._along is not None:
            changes = followed(changes, self._along)
        try:
            outcomes = await _in_thread(partial(self._database.transact_each, changes))
        except BaseException as error:
            # Nobody may sleep for ever, least of all in a shield: the failure is everybody's.
            for request in batch:
                request.outcomes = error
            if not isinstance(error, Exception):
                raise
            return
        at = 0
        for request in batch:
            request.outcomes = outcomes[at : at + len(request.changes)]
            at += len(request.changes)
        effects = [effect for one in outcomes if isinstance(one, Committed) for effect in one.effects]
        if effects:
            self._carry_out(effects)


def followed(changes: Sequence[Change[Any]], along: Along) -> list[Change[Any]]:
    """`changes`, and behind them `along` as one more, which is told the effects of those that succeeded."""
    told: dict[int, list[object]] = {}

    def noted(number: int, change: Change[Any]) -> Change[Any]:
        def run(tx: Transaction) -> Any:
            told.pop(number, None)  # the changes run anew when one of them failed
            result = change(tx)
            told[number] = tx.effects
            return result

        return run

    def last(tx: Transaction) -> None:
        effects = [effect for _, effects in sorted(told.items()) for effect in effects]
        if not effects:
            return
        try:
            with tx.savepoint():
                along(tx, effects)
        except Exception:  # what it does can be done later, and the changes must not suffer
            logger.exception("What goes along with a commit failed.")

    return [*(noted(number, change) for number, change in enumerate(changes)), last]


class StoreService(GroupCommit):
    """`GroupCommit` on a store."""

    def __init__(
        self, database: Database, carry_out: Callable[[list[object]], None], along: Along | None = None
    ) -> None:
        super().__init__(database, carry_out, along)
        self._store = database
        self._shortening = trio.CapacityLimiter(1)
        self._indexes = False  # it will be done soon
        self._due = WAL_PAGES  # at this length the WAL is shortened
        database.most_wal_pages = BACKSTOP * WAL_PAGES

    async def _commit(self, batch: list[_Request]) -> None:
        await super()._commit(batch)
        pages = self._store.wal_pages
        if pages < WAL_PAGES:
            self._due = WAL_PAGES
        elif pages >= self._due:
            self._due = pages + WAL_PAGES // 4
            trio.lowlevel.spawn_system_task(self._shorten)
        if self._store.unindexed and not self._indexes:
            self._indexes = True
            trio.lowlevel.spawn_system_task(self._index)

    async def _index(self) -> None:
        """Make messages searchable in a commit of their own, for which nobody waits."""
        await trio.sleep(INDEX_S)
        self._indexes = False
        try:
            await _in_thread(self._store.index)
        except StoreError as error:
            logger.error("New messages were not indexed: %s", error)
        except Exception:
            logger.exception("A bug kept new messages from being indexed.")

    async def _shorten(self) -> None:
        """Empty the WAL in a thread of its own; did the writer do it, changes would wait for it."""
        try:
            await trio.to_thread.run_sync(self._store.checkpoint, limiter=self._shortening)
        except StoreError as error:
            logger.error("The store's log was not shortened: %s", error)
        except Exception:
            logger.exception("A bug kept the store's log from being shortened.")

    async def aside(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises, in a worker thread. It is waited for, whatever happens meanwhile."""
        return await trio.to_thread.run_sync(work)

    async def settle(self) -> None:
        """Leave nothing of what was changed or deleted in the store's files; changes wait for it.

        Raises:
            InUseError: a reader was in the way; try again later.
            StoreError: the disk failed.
        """
        settle = partial(self._store.settle, patience_ms=SETTLE_PATIENCE_MS)
        await _in_thread(settle)
