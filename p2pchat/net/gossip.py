"""Gossip topics: GossipSub 1.1 and 1.2 with strict signatures, and inboxes that a flood cannot fill."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import trio
from libp2p.host.basic_host import BasicHost
from libp2p.tools.anyio_service import background_trio_service

from p2pchat.errors import UsageError
from p2pchat.net.guard import Guard
from p2pchat.net.network import Validator
from p2pchat.net.protocols import GOSSIP_LIMIT
from p2pchat.net.pubsub import SafePubsub, make_router

logger = logging.getLogger(__name__)

_INBOX_SIZE: Final = 4096  # payloads kept for a slow reader; more, and the oldest go
_PACE_S: Final = 0.01  # a publisher's pause while a peer's queue is long, as the queue drops when full
_LEAVE_S: Final = 1.0


class GossipTopic:
    """`Topic` over one pubsub subscription."""

    def __init__(self, pubsub: SafePubsub, guard: Guard, name: str) -> None:
        self._pubsub = pubsub
        self._guard = guard
        self._name = name
        self._inbox: deque[bytes] = deque()
        self._arrived = trio.Event()

    async def publish(self, payload: bytes) -> None:
        """See `Topic`."""
        if len(payload) > GOSSIP_LIMIT:
            raise UsageError(f"a gossip payload of {len(payload)} bytes is above the limit of {GOSSIP_LIMIT}")
        await self._pubsub.publish(self._name, payload)
        await trio.sleep(_PACE_S if self._pubsub.is_congested else 0)

    def payloads(self) -> AsyncIterator[bytes]:
        """See `Topic`."""
        return self

    def __aiter__(self) -> GossipTopic:
        return self

    async def __anext__(self) -> bytes:
        while not self._inbox:
            await self._arrived.wait()
        await trio.lowlevel.checkpoint()
        return self._inbox.popleft()

    def deliver(self, payload: bytes) -> None:
        """Put a validated payload into the inbox."""
        if len(self._inbox) >= _INBOX_SIZE:
            self._inbox.popleft()
            self._guard.drop("slow gossip reader", f"a payload of {self._name[:8]}…")
        self._inbox.append(payload)
        self._arrived.set()
        self._arrived = trio.Event()


class Gossip:
    """The topics of one host."""

    def __init__(self, pubsub: SafePubsub, guard: Guard) -> None:
        self._pubsub = pubsub
        self._guard = guard
        self._topics: dict[str, GossipTopic] = {}

    @asynccontextmanager
    async def join(self, name: str, validator: Validator) -> AsyncIterator[GossipTopic]:
        """See `Network.join`.

        Raises:
            UsageError: the topic is joined already.
        """
        if name in self._topics:
            raise UsageError(f"the topic {name} is joined already")
        topic = self._topics[name] = GossipTopic(self._pubsub, self._guard, name)
        self._pubsub.set_topic_validator(name, _quiet(validator), False)
        self._pubsub.receivers[name] = topic.deliver
        try:
            await self._pubsub.subscribe(name)
            yield topic
        finally:
            del self._topics[name]
            del self._pubsub.receivers[name]
            with trio.move_on_after(_LEAVE_S) as scope:
                scope.shield = True
                await self._pubsub.unsubscribe(name)
            self._pubsub.remove_topic_validator(name)


@asynccontextmanager
async def running_gossip(host: BasicHost, guard: Guard) -> AsyncIterator[Gossip]:
    """Gossip of `host`, which must be running, while the context is open."""
    router = make_router()
    pubsub = SafePubsub(host, router, guard)
    async with AsyncExitStack() as services:
        await services.enter_async_context(background_trio_service(pubsub))
        await services.enter_async_context(background_trio_service(router))
        await pubsub.wait_until_ready()
        yield Gossip(pubsub, guard)


def _quiet(validator: Validator) -> Any:
    """libp2p's kind of validator; one that raises would end gossip, so an error of ours means no."""

    def validate(forwarder: Any, message: Any) -> bool:
        try:
            return validator(message.data)
        except Exception:
            logger.exception("A gossip validator failed; the payload is dropped")
            return False

    return validate
