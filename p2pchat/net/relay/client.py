"""Using relays: being called through them, and calling others."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import trio
from libp2p.connection_types import ConnectionType
from libp2p.host.exceptions import HostException
from libp2p.io.exceptions import IOException
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.security.pnet.protector import new_protected_conn
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError, UsageError
from p2pchat.net.peers import device_of, full_address, parse_address, peer_id_of
from p2pchat.net.relay.wire import HOP, STOP, HopMessage, Status, StopMessage, read_message, write_message

logger = logging.getLogger(__name__)

CIRCUIT: Final = "/p2p-circuit"
_REQUEST_S: Final = 15.0
_SHORTEST_S: Final = 60  # what we take a reservation to last if the relay's clock is behind ours
_MAX_ADDRESSES: Final = 4  # of one relay that we hand out as ways to us

Connect = Callable[[DeviceId, Iterable[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reservation:
    """A relay's promise to pass on calls for us."""

    relay: DeviceId
    lasts_s: int
    """Seconds from when it was made."""
    addresses: tuple[str, ...]
    """Where callers find us through it: .../p2p/<relay>/p2p-circuit."""


class RelayClient:
    """Reserves, calls and is called on one libp2p host.

    Calls are taken only from relays that hold a reservation of ours; `called` is told who called.
    """

    def __init__(self, host: Any, *, dial: Connect, called: Callable[[DeviceId], None]) -> None:
        self._host = host
        self._dial = dial
        self._called = called
        self._relays: set[DeviceId] = set()
        host.set_stream_handler(STOP, self._serve)

    async def reserve(self, relay: DeviceId) -> Reservation:
        """Be callable through `relay`, to which we are connected.

        Raises:
            NetworkError: the relay refuses, is gone or does not answer.
        """
        self._relays.add(relay)  # before the answer: a call may overtake it
        try:
            answer = await self._request(relay, HopMessage(type=HopMessage.RESERVE))
        except NetworkError:
            self._relays.discard(relay)
            raise
        addresses = tuple(_circuit_addresses(relay, answer.reservation.addrs))
        lasts_s = max(_SHORTEST_S, int(answer.reservation.expire - time.time()))
        return Reservation(relay, lasts_s, addresses)

    def release(self, relay: DeviceId) -> None:
        """Take no more calls from `relay`."""
        self._relays.discard(relay)

    async def dial(self, address: Multiaddr, called: ID) -> None:
        """Connect to `called` through the relay in `address` (…/p2p/<relay>/p2p-circuit).

        Raises:
            NetworkError: the relay or the called device cannot be reached, or refuses.
            UsageError: the address names no relay.
        """
        relay, relay_address = parse_address(str(address).partition(CIRCUIT)[0])
        await self._dial(relay, [relay_address])
        request = HopMessage(type=HopMessage.CONNECT)
        request.peer.id = called.to_bytes()
        stream = await self._open(relay)
        try:
            with trio.fail_after(_REQUEST_S):
                await write_message(stream, request)
                _check(await read_message(stream, HopMessage), relay)
                await self._become_connection(stream, called, f"{relay_address}/p2p/{peer_id_of(relay)}")
        except (ProtocolError, SwarmException, trio.TooSlowError) as error:
            await stream.reset()
            raise NetworkError(f"{relay.short} did not relay: {error}") from error
        except BaseException:
            with trio.CancelScope(shield=True):
                await stream.reset()
            raise

    async def _become_connection(self, stream: Any, called: ID, relay: str) -> None:
        network = self._host.get_network()
        raw: Any = _raw_connection(stream, called, relay, initiator=True)
        if network.psk is not None:  # the swarm does this itself for inbound connections only
            raw = new_protected_conn(raw, network.psk)
        await network.upgrade_outbound_raw_conn(raw, called)

    async def _request(self, relay: DeviceId, request: Any) -> Any:
        stream = await self._open(relay)
        try:
            with trio.fail_after(_REQUEST_S):
                await write_message(stream, request)
                answer = await read_message(stream, HopMessage)
            return _check(answer, relay)
        except (ProtocolError, trio.TooSlowError) as error:
            raise NetworkError(f"{relay.short} did not answer a relay request") from error
        finally:
            await stream.close()

    async def _open(self, relay: DeviceId) -> Any:
        try:
            with trio.fail_after(_REQUEST_S):
                return await self._host.new_stream(peer_id_of(relay), [HOP])
        except (HostException, SwarmException, IOException, trio.TooSlowError) as error:
            raise NetworkError(f"{relay.short} is no relay") from error

    async def _serve(self, stream: Any) -> None:
        """A relay passes on a call; the stream becomes a connection, and lives as long as that."""
        relay = device_of(stream.muxed_conn.peer_id)
        try:
            with trio.fail_after(_REQUEST_S):
                request = await read_message(stream, StopMessage)
                wanted = relay in self._relays and request.type == StopMessage.CONNECT
                status = Status.OK if wanted else Status.PERMISSION_DENIED
                await write_message(stream, StopMessage(type=StopMessage.STATUS, status=status))
                if not wanted:
                    await stream.close()
                    return
                caller = ID(request.peer.id)
                raw = _raw_connection(stream, caller, f"/p2p/{peer_id_of(relay)}", initiator=False)
                muxed = await self._host.upgrade_inbound_connection(raw, raw.get_transport_addresses()[0])
            self._called(device_of(muxed.peer_id))
        except (NetworkError, ProtocolError, SwarmException, trio.TooSlowError) as error:
            logger.info("A call through %s failed: %s", relay.short, error)
            await stream.reset()


def _raw_connection(stream: Any, peer: ID, relay: str, *, initiator: bool) -> Any:
    address = Multiaddr(f"{relay}{CIRCUIT}/p2p/{peer}")
    return RawConnection(stream, initiator, ConnectionType.RELAYED, [address])


def _check(answer: Any, relay: DeviceId) -> Any:
    # The specification lets a relay leave out the status when it agrees.
    agreed = answer.type == HopMessage.STATUS and (
        answer.status == Status.OK or not answer.HasField("status")
    )
    if not agreed:
        raise NetworkError(f"{relay.short} refuses to relay ({Status.Name(answer.status)})")
    return answer


def _circuit_addresses(relay: DeviceId, raw: Iterable[bytes]) -> list[str]:
    addresses = []
    for each in list(raw)[:_MAX_ADDRESSES]:
        try:
            device, address = parse_address(str(Multiaddr(each)))
        except (UsageError, ValueError):
            continue
        if device == relay and CIRCUIT not in address:
            addresses.append(full_address(relay, address) + CIRCUIT)
    return addresses
