"""The server's side: registers devices in the namespace that is theirs, and finds them there."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.peers import device_of, peer_id_of
from p2pchat.net.relay.wire import read_message, write_message
from p2pchat.net.rendezvous import wire
from p2pchat.net.rendezvous.registry import DEFAULT_TTL_S, LONGEST_TTL_S, SHORTEST_TTL_S, Registry
from p2pchat.net.rendezvous.wire import Message

logger = logging.getLogger(__name__)

_IDLE_S: Final = 10.0  # a stream on which nothing is asked for so long
_MOST_REQUESTS: Final = 16  # on one stream
_MAX_NAMESPACE: Final = 255


class RendezvousPoint:
    """Serves /rendezvous/1.0.0 on one libp2p host; `namespace_of` gives each device's own namespace."""

    def __init__(self, host: Any, limit: int, namespace_of: Callable[[DeviceId], str]) -> None:
        self.registry = Registry(limit, self._is_here, secrets.token_bytes(16))
        self.counters: Counter[str] = Counter()
        self._host = host
        self._namespace_of = namespace_of
        host.set_stream_handler(wire.PROTOCOL, self._serve)

    def _is_here(self, device: DeviceId) -> bool:
        return bool(self._host.get_network().get_connections(peer_id_of(device)))

    async def _serve(self, stream: Any) -> None:
        asker = device_of(stream.muxed_conn.peer_id)
        try:
            for _ in range(_MOST_REQUESTS):
                with trio.fail_after(_IDLE_S):
                    request = await read_message(stream, Message, limit=wire.MAX_REQUEST)
                    answer = self.answer(request, asker)
                    if answer is not None:
                        await write_message(stream, answer)
            await stream.close()
        except ProtocolError as error:
            self.counters["malformed"] += 1
            logger.info("Dropped a rendezvous stream of %s: %s", asker.short, error)
            await stream.reset()
        except (NetworkError, trio.TooSlowError):
            await stream.reset()

    def answer(self, request: Any, asker: DeviceId) -> Any:
        """What `asker` gets for `request`; None if that needs no answer.

        Raises:
            ProtocolError: it is no request.
        """
        if request.type == wire.REGISTER and request.HasField("register"):
            status, ttl = self._register(request.register, asker)
            self.counters["registered" if status == wire.OK else "refused"] += 1
            answer = Message(type=wire.REGISTER_RESPONSE)
            answer.register_response.status, answer.register_response.ttl = status, ttl
            return answer
        if request.type == wire.UNREGISTER and request.HasField("unregister"):
            if request.unregister.ns == self._namespace_of(asker):
                self.registry.unregister(request.unregister.ns)
            return None
        if request.type == wire.DISCOVER and request.HasField("discover"):
            self.counters["discovered"] += 1
            return self._discover(request.discover)
        raise ProtocolError("not a rendezvous request")

    def _register(self, request: Any, asker: DeviceId) -> tuple[int, int]:
        ttl = request.ttl or DEFAULT_TTL_S
        if not 0 < len(request.ns) <= _MAX_NAMESPACE:
            return wire.E_INVALID_NAMESPACE, 0
        if request.ns != self._namespace_of(asker):
            return wire.E_NOT_AUTHORIZED, 0
        if not SHORTEST_TTL_S <= ttl <= LONGEST_TTL_S:
            return wire.E_INVALID_TTL, 0
        try:
            device, seq, _ = wire.open_record(request.signed_peer_record)
        except ProtocolError:
            return wire.E_INVALID_SIGNED_PEER_RECORD, 0
        if device != asker:
            return wire.E_NOT_AUTHORIZED, 0
        record = bytes(request.signed_peer_record)
        granted = self.registry.register(request.ns, asker, record, seq, ttl, trio.current_time())
        return (wire.E_UNAVAILABLE, 0) if granted is None else (wire.OK, granted)

    def _discover(self, request: Any) -> Any:
        answer = Message(type=wire.DISCOVER_RESPONSE)
        response = answer.discover_response
        now = trio.current_time()
        if (
            not 0 < len(request.ns) <= _MAX_NAMESPACE
        ):  # the specification's "all namespaces" tells who is here
            response.status = wire.E_INVALID_NAMESPACE
            return answer
        try:
            found = self.registry.discover(request.ns, request.cookie, now)
        except ValueError:
            response.status = wire.E_INVALID_COOKIE
            return answer
        response.status = wire.OK
        response.cookie = self.registry.cookie(request.ns)
        if found is not None:
            one = response.registrations.add(ns=found.namespace, ttl=int(found.until - now))
            one.signed_peer_record = found.record
        return answer
