"""What answers the local API: the running node."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from p2pchat.api import schema as s

Call: TypeAlias = tuple[str, s.Params]
"""A method of the table and its parameters."""

Outcome: TypeAlias = s.Result | Exception
"""What a method gave back or raised."""


class Backend(Protocol):
    """What the servers put on the socket and on HTTP."""

    async def call(self, method: str, params: s.Params) -> s.Result:
        """Carry out a method of the table.

        Raises:
            P2PChatError: it cannot be done; the sentence and the class reach the caller.
        """
        ...

    def call_each(self, calls: Sequence[Call]) -> AsyncGenerator[list[Outcome], None]:
        """What comes of each of `calls`, in their order and as if they were called one after the other.

        They have arrived together and may share what costs time, above all the wait for the disk. Each
        list holds the outcomes of the next ones that did.
        """
        ...

    async def open_file(self, id: str) -> tuple[s.File, AsyncGenerator[bytes, None]]:
        """A file that is here, and its bytes in the clear, piece by piece.

        Raises:
            NotFoundError: there is none.
            NotAllowedError: it is not here.
        """
        ...

    def subscribe(self, since: int) -> AbstractAsyncContextManager[AsyncIterator[list[s.Event]]]:
        """All events after cursor `since`, first the stored ones, then as they come: no gap, no double.

        Those that are there together come together. The iterator is asked for the next only when the client
        has room for them. It may end by raising P2PChatError; the client is told the sentence.
        """
        ...
