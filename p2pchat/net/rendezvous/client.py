"""The client's side: being found, and finding, at the points that we are connected with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import trio
from libp2p.host.exceptions import HostException
from libp2p.io.exceptions import IOException
from libp2p.network.exceptions import SwarmException

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.peers import device_of, peer_id_of
from p2pchat.net.relay.wire import read_message, write_message
from p2pchat.net.rendezvous import wire
from p2pchat.net.rendezvous.registry import GRANTED_TTL_S
from p2pchat.net.rendezvous.wire import Message

logger = logging.getLogger(__name__)

_REQUEST_S: Final = 8.0
_MOST_POINTS: Final = 4


class Rendezvous:
    """Registers this device and looks for others at `points`, the connected devices that may serve.

    `addresses` are ours, without /p2p/; `namespace_of` gives each device's own namespace.
    """

    def __init__(
        self,
        host: Any,
        *,
        points: Callable[[], Iterable[DeviceId]],
        addresses: Callable[[], Sequence[str]],
        clock_ms: Callable[[], int],
        namespace_of: Callable[[DeviceId], str],
    ) -> None:
        self._host = host
        self._points = points
        self._addresses = addresses
        self._clock_ms = clock_ms
        self._namespace_of = namespace_of

    async def publish(self) -> int:
        """Register at all points; how many took it."""
        peer = self._host.get_id()
        request = Message(type=wire.REGISTER)
        request.register.ns = self._namespace_of(device_of(peer))
        request.register.ttl = GRANTED_TTL_S
        request.register.signed_peer_record = wire.sign_record(
            self._host.get_private_key(), peer, list(self._addresses()), self._clock_ms()
        )
        answers = await self._ask_all(request)
        return sum(answer.register_response.status == wire.OK for answer in answers)

    async def find(self, device: DeviceId) -> list[str]:
        """The addresses in the latest record of `device` that a point has; [] if there is none."""
        request = Message(type=wire.DISCOVER)
        request.discover.ns = self._namespace_of(device)
        request.discover.limit = 1
        latest: tuple[int, list[str]] = (-1, [])
        for answer in await self._ask_all(request):
            for one in list(answer.discover_response.registrations)[: wire.MAX_FOUND]:
                try:
                    found, seq, addresses = wire.open_record(one.signed_peer_record)
                except ProtocolError as error:
                    logger.info("A rendezvous point gave a bad record: %s", error)
                    continue
                if found == device:
                    latest = max(latest, (seq, addresses))
        return latest[1]

    async def _ask_all(self, request: Any) -> list[Any]:
        answers: list[Any] = []

        async def ask(point: DeviceId) -> None:
            try:
                with trio.fail_after(_REQUEST_S):
                    answers.append(await self._ask(point, request))
            except (NetworkError, ProtocolError, trio.TooSlowError) as error:
                logger.debug("%s is no rendezvous point: %s", point.short, error)

        async with trio.open_nursery() as nursery:
            for point in list(self._points())[:_MOST_POINTS]:
                nursery.start_soon(ask, point)
        return answers

    async def _ask(self, point: DeviceId, request: Any) -> Any:
        try:
            stream = await self._host.new_stream(peer_id_of(point), [wire.PROTOCOL])
        except (HostException, SwarmException, IOException) as error:
            raise NetworkError("it does not speak the protocol") from error
        try:
            await write_message(stream, request)
            return await read_message(stream, Message, limit=wire.MAX_ANSWER)
        finally:
            with trio.move_on_after(1) as scope:
                scope.shield = True
                await stream.close()
