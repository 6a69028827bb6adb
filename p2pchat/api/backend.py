"""What answers the local API: the running node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from p2pchat.api import schema as s


class Backend(Protocol):
    """What the servers put on the socket and on HTTP."""

    async def call(self, method: str, params: s.Params) -> s.Result:
        """Carry out a method of the table.

        Raises:
            P2PChatError: it cannot be done; the sentence and the class reach the caller.
        """
        ...

    def subscribe(self, since: int) -> AbstractAsyncContextManager[AsyncIterator[s.Event]]:
        """All events after cursor `since`, first the stored ones, then as they come: no gap, no double.

        The iterator is asked for the next event only when the client has room for it. It may end by
        raising P2PChatError; the client is told the sentence.
        """
        ...
