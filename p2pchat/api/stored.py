"""The methods that only ask or change the store, on a running node.

Calls that arrive together are carried out together: changes in a row share one commit, queries in a
row one look at the store. Each is still as if it had been called alone, after the one before it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.backend import Call, Outcome
from p2pchat.api.methods import CHANGES, QUERIES
from p2pchat.errors import StoreError
from p2pchat.node.features.app import App
from p2pchat.node.storage import Storage
from p2pchat.store.transaction import Change, Reader

_CHANGES_AT_ONCE: Final = 128  # half of what one commit takes: another client's may share it
_QUERIES_AT_ONCE: Final = 16  # answers that are in memory together; a page of history may be a megabyte


class StoredMethods:
    """Carries out methods of `CHANGES` and `QUERIES` on `store`."""

    def __init__(self, app: App, store: Storage) -> None:
        self._app = app
        self._store = store

    async def call(self, method: str, params: s.Params) -> s.Result:
        """What the method answers. Raises P2PChatError."""
        if method in QUERIES:
            return await self._store.read(partial(self._query, method=method, params=params))
        return await self._store.run(self._change(method, params))

    async def call_each(self, calls: Sequence[Call]) -> AsyncGenerator[list[Outcome], None]:
        """See `Backend`."""
        for is_change, group in groupby(calls, key=lambda call: call[0] in CHANGES):
            for some in _chunks(list(group), _CHANGES_AT_ONCE if is_change else _QUERIES_AT_ONCE):
                try:
                    outcomes = await (self._change_each(some) if is_change else self._query_each(some))
                except StoreError as error:  # the disk: it failed all of them
                    outcomes = [error] * len(some)
                yield outcomes

    async def _change_each(self, calls: Sequence[Call]) -> list[Outcome]:
        return await self._store.run_each([self._change(method, params) for method, params in calls])

    async def _query_each(self, calls: Sequence[Call]) -> list[Outcome]:
        return await self._store.read(
            lambda tx: [_outcome(partial(self._query, tx, method, params)) for method, params in calls]
        )

    def _change(self, method: str, params: s.Params) -> Change[s.Result]:
        return lambda tx: CHANGES[method](self._app, tx, params)

    def _query(self, tx: Reader, method: str, params: s.Params) -> s.Result:
        return QUERIES[method](self._app, tx, params)


def _outcome(ask: Callable[[], s.Result]) -> Outcome:
    try:
        return ask()
    except Exception as error:
        return error


def _chunks(calls: Sequence[Call], size: int) -> Iterator[Sequence[Call]]:
    return (calls[at : at + size] for at in range(0, len(calls), size))
