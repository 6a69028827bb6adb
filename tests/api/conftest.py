"""A backend in memory: what the server and the client are tried against."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from p2pchat.api import schema as s
from p2pchat.api.backend import Call, Outcome
from p2pchat.api.server import serve
from p2pchat.errors import NotFoundError, QuotaError

T = TypeVar("T")


class MemoryBackend:
    """Knows one contact, keeps what is sent to it, and tells it as events."""

    def __init__(self) -> None:
        self.events: list[s.Event] = []
        self.subscribers = 0
        self.cut_off_after: int | None = None
        self._news = trio.Condition()

    async def call(self, method: str, params: s.Params) -> s.Result:
        await trio.lowlevel.checkpoint()
        match params:
            case s.Send(chat="bob", text=text):
                return await self._keep(text)
            case s.Send(chat=chat):
                raise NotFoundError(f"You have no contact called {chat!r}.")
            case s.MessageId():
                raise ZeroDivisionError(params.id)
            case s.Who():
                await trio.sleep_forever()
        return s.Done()

    async def call_each(self, calls: Sequence[Call]) -> AsyncGenerator[list[Outcome], None]:
        for method, params in calls:
            try:
                outcome: Outcome = await self.call(method, params)
            except Exception as error:
                outcome = error
            yield [outcome]

    async def _keep(self, text: str) -> s.Message:
        async with self._news:
            seq = len(self.events) + 1
            self.events.append(s.Event(seq=seq, at_ms=seq, type="message.received", data={"text": text}))
            self._news.notify_all()
        return message(str(seq), text)

    @asynccontextmanager
    async def subscribe(self, since: int) -> AsyncIterator[AsyncIterator[list[s.Event]]]:
        self.subscribers += 1
        self.left = trio.Event()
        try:
            async with aclosing(self._after(since)) as events:
                yield events
        finally:
            self.subscribers -= 1
            self.left.set()

    async def _after(self, cursor: int) -> AsyncGenerator[list[s.Event], None]:
        while True:
            async with self._news:
                while len(self.events) <= cursor:
                    await self._news.wait()
            if self.cut_off_after is not None and cursor >= self.cut_off_after:
                raise QuotaError("You are too slow.")
            yield [self.events[cursor]]
            cursor += 1


def message(id: str, text: str) -> s.Message:
    return s.Message(
        id=id,
        chat="@bob",
        sender="alice",
        mine=True,
        kind="text",
        text=text,
        sent_ms=1,
        received_ms=1,
        state="queued",
    )


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
async def socket_path(tmp_path: Path, backend: MemoryBackend, nursery: trio.Nursery) -> Path:
    path = tmp_path / "home" / "node.sock"
    await nursery.start(partial(serve, path, backend))
    return path


@pytest.fixture
def in_thread() -> Callable[[Callable[[], T]], Awaitable[T]]:
    """Runs a blocking client beside the server; a failing test abandons it."""

    async def run(work: Callable[[], Any]) -> Any:
        with trio.fail_after(20):
            return await trio.to_thread.run_sync(work, abandon_on_cancel=True)

    return run
