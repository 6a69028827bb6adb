"""The relay: reserves for devices that are connected to it, and joins callers to them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import trio
from libp2p.host.exceptions import HostException
from libp2p.io.exceptions import IOException
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.peers import device_of, full_address, peer_id_of
from p2pchat.net.relay.limits import Circuits, Meter, RelayLimits, Reservations
from p2pchat.net.relay.wire import HOP, STOP, HopMessage, Status, StopMessage, read_message, write_message

logger = logging.getLogger(__name__)

_REQUEST_S: Final = 15.0  # for a request to arrive, and for the called device to answer
_READ_SIZE: Final = 64 * 1024
_MAX_ADDRESSES: Final = 8  # of ours, in an answer


class Relay:
    """Serves the hop protocol on one libp2p host from the moment it is made.

    `addresses` are those under which this relay is reached, without /p2p/: what it tells those who
    reserve. `limits` may be replaced at any time and hold from the next request on.
    """

    def __init__(self, host: Any, limits: RelayLimits, addresses: Callable[[], Sequence[str]]) -> None:
        self.limits = limits
        self.counters: Counter[str] = Counter()
        self.reservations = Reservations()
        self.circuits = Circuits()
        self._host = host
        self._addresses = addresses
        host.set_stream_handler(HOP, self._serve)

    async def _serve(self, stream: Any) -> None:
        caller = device_of(stream.muxed_conn.peer_id)
        try:
            with trio.fail_after(_REQUEST_S):
                request = await read_message(stream, HopMessage)
            if request.type == HopMessage.RESERVE:
                await self._reserve(stream, caller)
            elif request.type == HopMessage.CONNECT:
                await self._connect(stream, caller, _device(request))
            else:
                raise ProtocolError("a hop stream begins with reserve or connect")
        except ProtocolError as error:
            self._count("malformed", caller, str(error))
            await stream.reset()
        except (NetworkError, trio.TooSlowError) as error:
            logger.debug("A hop stream of %s ended: %s", caller.short, error)
            await stream.reset()

    async def _reserve(self, stream: Any, device: DeviceId) -> None:
        # The request may name a peer; the specification reserves for whoever is connected, and so we do.
        if not self._is_direct(stream):
            await self._refuse(stream, device, Status.PERMISSION_DENIED, "reservation over a relay")
            return
        until = self.reservations.reserve(device, self.limits, trio.current_time())
        if until is None:
            await self._refuse(stream, device, Status.RESERVATION_REFUSED, "no room for a reservation")
            return
        self.counters["reserved"] += 1
        answer = HopMessage(type=HopMessage.STATUS, status=Status.OK)
        answer.reservation.expire = int(time.time() + until - trio.current_time())
        own = device_of(self._host.get_id())
        for address in self._addresses()[:_MAX_ADDRESSES]:
            answer.reservation.addrs.append(Multiaddr(full_address(own, address)).to_bytes())
        self._set_limit(answer)
        await write_message(stream, answer)
        await stream.close()

    async def _connect(self, stream: Any, caller: DeviceId, called: DeviceId) -> None:
        if not self._is_direct(stream):
            await self._refuse(stream, caller, Status.PERMISSION_DENIED, "circuit over a circuit")
            return
        if not self._may_be_called(called):
            await self._refuse(stream, caller, Status.NO_RESERVATION, "no reservation")
            return
        if not self.circuits.open(caller, called, self.limits):
            await self._refuse(stream, caller, Status.RESOURCE_LIMIT_EXCEEDED, "too many circuits")
            return
        try:
            other = await self._call(caller, called)
            if other is None:
                await self._refuse(stream, caller, Status.CONNECTION_FAILED, "called device did not answer")
                return
            answer = HopMessage(type=HopMessage.STATUS, status=Status.OK)
            self._set_limit(answer)
            await write_message(stream, answer)
            self.counters["circuits"] += 1
            await self._join(stream, other)
        finally:
            self.circuits.close(caller, called)

    def _may_be_called(self, device: DeviceId) -> bool:
        if not self._host.get_network().get_connections(peer_id_of(device)):
            self.reservations.release(device)
        return self.reservations.holds(device, trio.current_time())

    async def _call(self, caller: DeviceId, called: DeviceId) -> Any:
        """The stream of `called`, who agreed to be connected to `caller`; None if it did not."""
        stream = None
        try:
            with trio.fail_after(_REQUEST_S):
                stream = await self._host.new_stream(peer_id_of(called), [STOP])
                request = StopMessage(type=StopMessage.CONNECT)
                request.peer.id = peer_id_of(caller).to_bytes()
                self._set_limit(request)
                await write_message(stream, request)
                answer = await read_message(stream, StopMessage)
            if answer.type == StopMessage.STATUS and answer.status == Status.OK:
                return stream
        except (
            NetworkError,
            ProtocolError,
            HostException,
            SwarmException,
            IOException,
            trio.TooSlowError,
        ) as error:
            logger.debug("%s could not be called: %s", called.short, error)
        if stream is not None:
            await stream.reset()
        return None

    async def _join(self, one: Any, other: Any) -> None:
        """Carry bytes both ways until both streams have ended, one broke, or a limit is reached."""
        meter = Meter(self.limits, trio.current_time())
        ended = False
        with trio.move_on_after(self.limits.circuit_s):
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._carry, one, other, meter)
                    nursery.start_soon(self._carry, other, one, meter)
                ended = True
            except* (NetworkError, IOException) as group:
                logger.debug("A circuit broke: %s", group.exceptions[0])
        if not ended:
            await one.reset()
            await other.reset()

    async def _carry(self, source: Any, target: Any, meter: Meter) -> None:
        while data := await _read(source):
            pause = meter.take(len(data), trio.current_time())
            if pause is None:
                self.counters["over_limit"] += 1
                raise NetworkError("the circuit has carried all that it may")
            await target.write(data)
            self.counters["bytes"] += len(data)
            await trio.sleep(pause)
        await target.close()

    async def _refuse(self, stream: Any, device: DeviceId, status: Any, reason: str) -> None:
        self._count("refused", device, reason)
        await write_message(stream, HopMessage(type=HopMessage.STATUS, status=status))
        await stream.close()

    def _count(self, what: str, device: DeviceId, reason: str) -> None:
        self.counters[what] += 1
        logger.info("Relay: %s of %s %s.", reason, device.short, what)

    def _set_limit(self, message: Any) -> None:
        message.limit.duration = self.limits.circuit_s
        message.limit.data = self.limits.circuit_bytes

    def _is_direct(self, stream: Any) -> bool:
        connections = self._host.get_network().get_connections(stream.muxed_conn.peer_id)
        addresses = [
            a for c in connections if c.muxed_conn is stream.muxed_conn for a in c.get_transport_addresses()
        ]
        return not any("p2p-circuit" in str(address) for address in addresses)


def _device(request: Any) -> DeviceId:
    return device_of(ID(request.peer.id))


async def _read(stream: Any) -> bytes:
    """The next bytes, b"" at the end."""
    try:
        return bytes(await stream.read(_READ_SIZE))
    except EOFError:
        return b""
