"""What the running node asks of its store: `store.writer.StoreService`, or one in the same task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from p2pchat.store.transaction import Change, Query

T = TypeVar("T")


class Commits(Protocol):
    """Runs changes and queries for tasks; effects are carried out before the changes' callers resume."""

    async def run(self, change: Change[T]) -> T:
        """What `change` gives back, once it lasts. Raises StoreError, or whatever `change` raised."""
        ...

    async def run_each(self, changes: Sequence[Change[T]]) -> list[T | Exception]:
        """What each of `changes` gives back or raised, once all that succeeded last: one commit for many."""
        ...

    async def read(self, query: Query[T]) -> T:
        """What `query` finds in the last commit. Raises StoreError."""
        ...


class Storage(Commits, Protocol):
    """`Commits` in the person's own store."""

    async def aside(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises, which reads or writes files beside the store and takes its time."""
        ...

    async def settle(self) -> None:
        """Leave nothing of what was changed or deleted on the disk.

        Raises:
            InUseError: a reader was in the way; try again later.
            StoreError: the disk failed.
        """
        ...
