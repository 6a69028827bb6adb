"""Reaching a device: every known address gets its chance, one device at a time, and what worked is kept."""

from __future__ import annotations

import errno
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import trio
from libp2p.network.exceptions import SwarmException
from multiaddr import Multiaddr

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError
from p2pchat.net.config import AddressBook
from p2pchat.net.names import resolved
from p2pchat.net.peers import full_address, peer_id_of
from p2pchat.net.presence import Presence
from p2pchat.net.swarm import PeerSwarm

logger = logging.getLogger(__name__)

_ATTEMPT_S: Final = 8.0  # for one address: TCP, multistream, Noise, yamux over a slow relay
_PROXIED_S: Final = 60.0  # Tor builds a circuit first
_STAGGER_S: Final = 0.25  # RFC 8305's delay before the next address is tried as well
_GRACE_S: Final = 2.0  # what our own dial still gets after the peer's has arrived
_MOST_ADDRESSES: Final = 16
_UNREACHABLE: Final = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)

RelayDial = Callable[[Any, Any], Awaitable[None]]
"""Connects to a peer id through a /p2p-circuit multiaddr; raises whatever it likes."""


class Dialer:
    """Makes connections for one host."""

    def __init__(
        self, swarm: PeerSwarm, presence: Presence, book: AddressBook, *, proxied: bool = False
    ) -> None:
        """If `proxied`, somebody dials for us: he looks names up, and takes his time."""
        self._swarm = swarm
        self._presence = presence
        self._book = book
        self._proxied = proxied
        self._locks: dict[DeviceId, trio.Lock] = {}
        self.relay_dial: RelayDial | None = None

    async def connect(self, device: DeviceId, addresses: Iterable[str] = ()) -> None:
        """Have a connection to `device`; `addresses` are tried together with those remembered.

        Raises:
            NetworkError: no address answered as that device; the text says how many failed and how.
        """
        if peer_id_of(device) == self._swarm.self_id:
            raise NetworkError("that is this device itself")
        lock = self._locks.setdefault(device, trio.Lock())
        try:
            async with lock:
                if not self._presence.is_here(device):
                    await self._dial(device, self._candidates(device, addresses))
        finally:
            if not lock.locked():
                self._locks.pop(device, None)

    async def probe(self, device: DeviceId, address: str) -> str:
        """Dial one address of `device` unless it is connected; "", or in a few words why it failed."""
        if self._presence.is_here(device):
            return ""
        failures: Counter[str] = Counter()
        await self._attempt(device, address, failures, trio.Event(), trio.CancelScope())
        return next(iter(failures), "")

    def _candidates(self, device: DeviceId, given: Iterable[str]) -> list[str]:
        suffix = full_address(device, "")
        stripped = (address.removesuffix(suffix) for address in (*self._book.addresses(device), *given))
        return list(dict.fromkeys(stripped))[:_MOST_ADDRESSES]

    async def _dial(self, device: DeviceId, addresses: list[str]) -> None:
        if not addresses:
            raise NetworkError(f"no address of {device.short} is known")
        failures: Counter[str] = Counter()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._yield_to_their_dial, device, nursery.cancel_scope)
            nursery.start_soon(self._race, device, addresses, failures, nursery.cancel_scope)
        if not self._presence.is_here(device):
            how = ", ".join(f"{count} {reason}" for reason, count in failures.most_common())
            raise NetworkError(f"no address of {device.short} answered: {how}")

    async def _race(
        self, device: DeviceId, addresses: list[str], failures: Counter[str], finished: trio.CancelScope
    ) -> None:
        async with trio.open_nursery() as attempts:
            for address in addresses:
                failed = trio.Event()
                attempts.start_soon(self._attempt, device, address, failures, failed, finished)
                with trio.move_on_after(_STAGGER_S):
                    await failed.wait()
        finished.cancel()

    async def _attempt(
        self,
        device: DeviceId,
        address: str,
        failures: Counter[str],
        failed: trio.Event,
        finished: trio.CancelScope,
    ) -> None:
        try:
            with trio.fail_after(_PROXIED_S if self._proxied else _ATTEMPT_S):
                await self._dial_one(device, Multiaddr(address))
        except Exception as error:  # libp2p, multiaddr, DNS and the relay have dozens of kinds
            self._book.failed(device, address)
            failures[_reason(error)] += 1
            logger.debug("An address of %s failed: %s", device.short, _reason(error))
            failed.set()
        else:
            self._book.worked(device, address)
            finished.cancel()

    async def _dial_one(self, device: DeviceId, address: Any) -> None:
        peer = peer_id_of(device)
        if "p2p-circuit" not in (protocol.name for protocol in address.protocols()):
            await self._dial_direct(peer, str(address))
        elif self.relay_dial is None:
            raise NetworkError("relayed, and relays are off")
        else:
            await self.relay_dial(address, peer)

    async def _dial_direct(self, peer: Any, address: str) -> None:
        *others, last = [address] if self._proxied else await resolved(address)
        for target in others:
            try:
                await self._swarm.dial_addr(Multiaddr(target), peer)
            except SwarmException as error:
                logger.debug("One host of a name failed: %s", _reason(error))
            else:
                return
        await self._swarm.dial_addr(Multiaddr(last), peer)

    async def _yield_to_their_dial(self, device: DeviceId, finished: trio.CancelScope) -> None:
        """Stop dialling when the peer's own dial has arrived meanwhile.

        Of a simultaneous dial the one of the smaller id is kept (PeerSwarm), so if that is ours it
        gets time to finish: were both ends to yield, no connection would be left.
        """
        peer = peer_id_of(device)
        await self._presence.wait(device, here=True)
        if any(c.direction.name == "OUTBOUND" for c in self._swarm.get_connections(peer)):
            return
        if self._swarm.self_id.to_bytes() < peer.to_bytes():
            await trio.sleep(_GRACE_S)
        finished.cancel()


def _reason(error: BaseException | None) -> str:
    """A few words that hold no address: what the person is told, and what a log may hold."""
    while error is not None:
        if isinstance(error, trio.TooSlowError | TimeoutError):
            return "timed out"
        if isinstance(error, ConnectionRefusedError):
            return "refused"
        if isinstance(error, NetworkError):
            return str(error)
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif isinstance(error, OSError) and error.errno in _UNREACHABLE:
            return "unreachable"
        elif "Mismatch" in type(error).__name__ or "mismatch" in str(error):
            return "answered as another device"
        else:
            error = error.__cause__
    return "broke off during the handshake"
