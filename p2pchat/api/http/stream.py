"""Events as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html

The id of each is its durable cursor, so a browser that lost the connection asks for the rest by itself
(Last-Event-ID) and misses nothing, also after a restart of the node.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import trio

from p2pchat.api.backend import Backend
from p2pchat.api.http.message import Send
from p2pchat.errors import P2PChatError

logger = logging.getLogger(__name__)

TYPE: Final = "text/event-stream"
BEAT_S: Final = 20.0  # a silent connection shows no end: each beat finds out, and looks at the session again
_RETRY: Final = b"retry: 1000\n\n"


def stream(
    backend: Backend, since: int, still_welcome: Callable[[], bool]
) -> Callable[[Send], Awaitable[None]]:
    """What sends the events after `since`, until the client leaves or its session ends."""

    async def produce(send: Send) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(beat, send, nursery.cancel_scope)
            await follow(send)
            nursery.cancel_scope.cancel()

    async def beat(send: Send, scope: trio.CancelScope) -> None:
        await send(_RETRY)
        while still_welcome():
            await trio.sleep(BEAT_S)
            await send(b":\n\n")
        scope.cancel()

    async def follow(send: Send) -> None:
        try:
            async with backend.subscribe(since) as events:
                async for some in events:
                    await send(
                        b"".join(
                            b"id: %d\ndata: %b\n\n" % (one.seq, msgspec.json.encode(one)) for one in some
                        )
                    )
        except P2PChatError as error:
            logger.debug("A stream of events ended: %s", error)  # the browser comes back with its cursor

    return produce


def cursor(header: str | None, query: str | None) -> int | None:
    """The cursor to go on from: Last-Event-ID if the browser sent it; None if it is no number."""
    text = header or query or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
