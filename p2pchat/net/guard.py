"""Who may come in: limits, bans, and counters that say what became of the others.

Strangers are limited before they have proved a key (per address range, and in how many may be
half-way), and again afterwards (per device, and overall). Protected devices, such as contacts, are let
in even when the house is full: somebody unprotected leaves for them.
"""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError
from p2pchat.net.config import Limits

logger = logging.getLogger(__name__)

_BANS_KEPT: Final = 4096  # an attacker makes identities at will; the oldest ban goes first
_BANS_UNTIL_ADDRESS: Final = 3  # banned devices from one address that ban the address itself
_OFFENCES_UNTIL_BAN: Final = 8
_LOG_PAUSE_S: Final = 1.0
NOISE_OVERHEAD: Final = 18  # bytes of length and tag around each message


class RefusedError(NetworkError):
    """A connection that the guard does not let in."""


class Guard:
    """The limits of one network, and the counters that `p2pchat net` shows."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = trio.current_time) -> None:
        self.limits = limits
        self.counters: Counter[str] = Counter()
        self.protected: set[DeviceId] = set()
        self.unread = 0  # received bytes, on all connections, that no handler has read
        self._clock = clock
        self._ranges: Counter[str] = Counter()
        self._handshakes: dict[trio.CancelScope, None] = {}
        self._banned: dict[DeviceId | str, float] = {}  # until when
        self._strikes: Counter[str] = Counter()
        self._offences: Counter[DeviceId] = Counter()
        self._logged: dict[str, float] = {}
        self.on_ban: Callable[[DeviceId], None] | None = None  # closes what is open

    def drop(self, reason: str, who: object) -> None:
        """Count and log that something of `who` was dropped for `reason` (two or three words).

        All are counted; of those in quick succession the first is logged, lest a flood fills the disk.
        """
        self.counters[f"dropped.{reason.replace(' ', '_')}"] += 1
        now = self._clock()
        if now - self._logged.get(reason, -_LOG_PAUSE_S) >= _LOG_PAUSE_S:
            self._logged[reason] = now
            logger.info("Dropped %s: %s", who, reason)

    def sent(self, size: int) -> None:
        """Count a message of `size` bytes that went out, with what Noise adds to it."""
        self.counters["sent_bytes"] += size + NOISE_OVERHEAD
        self.counters["sent_messages"] += 1

    def received(self, size: int) -> None:
        """Count a message of `size` bytes that came in, with what Noise added to it."""
        self.counters["received_bytes"] += size + NOISE_OVERHEAD
        self.counters["received_messages"] += 1

    @contextmanager
    def arrival(self, host: str | None) -> Iterator[None]:
        """Hold a place for a connection from address `host` (None: through a relay) while it lasts.

        Raises:
            RefusedError: the address is banned, or its range has as many connections as it may.
        """
        place = range_of(host)
        if place is None:
            yield
            return
        if self._is_banned(place):
            raise RefusedError("banned address")
        if self._ranges[place] >= self.limits.connections_per_range:
            raise RefusedError("too many from one range")
        self._ranges[place] += 1
        try:
            yield
        finally:
            self._ranges[place] -= 1
            if not self._ranges[place]:
                del self._ranges[place]

    @contextmanager
    def handshake(self) -> Iterator[trio.CancelScope]:
        """A scope for a connection that has not proved a key; cancelled when newer ones need its place.

        Honest handshakes take milliseconds, so in a flood it is the idle ones that go.
        """
        if len(self._handshakes) >= self.limits.handshakes:
            oldest = next(iter(self._handshakes))
            del self._handshakes[oldest]
            oldest.cancel()
        scope = trio.CancelScope()
        self._handshakes[scope] = None
        try:
            with scope:
                yield scope
        finally:
            self._handshakes.pop(scope, None)

    def offend(self, device: DeviceId, reason: str, host: str | None = None) -> None:
        """Count a breach of a protocol by `device`, which a bug may explain once, but not repeatedly."""
        self._offences[device] += 1
        if self._offences[device] >= _OFFENCES_UNTIL_BAN:
            self.ban(device, reason, host)
        elif len(self._offences) > _BANS_KEPT:
            self._offences.clear()

    def ban(self, device: DeviceId, reason: str, host: str | None = None) -> None:
        """Refuse `device` for a while; and its address, when devices from there are banned repeatedly."""
        self.counters["bans"] += 1
        self._offences.pop(device, None)
        logger.warning("Banned %s for %.0f s: %s", device.short, self.limits.ban_s, reason)
        until = self._clock() + self.limits.ban_s
        self._remember(device, until)
        place = range_of(host)
        if place is not None and not _is_loopback(host):  # what arrives over loopback is proxied: anybody
            self._strikes[place] += 1
            if self._strikes[place] >= _BANS_UNTIL_ADDRESS:
                del self._strikes[place]
                self._remember(place, until)
            elif len(self._strikes) > _BANS_KEPT:
                self._strikes.clear()
        if self.on_ban is not None:
            self.on_ban(device)

    def is_banned(self, device: DeviceId) -> bool:
        """Whether connections of `device` are refused now."""
        return self._is_banned(device)

    def _is_banned(self, who: DeviceId | str) -> bool:
        until = self._banned.get(who)
        if until is not None and until <= self._clock():
            del self._banned[who]
            return False
        return until is not None

    def _remember(self, who: DeviceId | str, until: float) -> None:
        self._banned.pop(who, None)
        self._banned[who] = until
        if len(self._banned) > _BANS_KEPT:
            del self._banned[next(iter(self._banned))]


def range_of(host: str | None) -> str | None:
    """The IPv4 /24 or IPv6 /56 of `host`: what one household or hoster hands out."""
    if host is None:
        return None
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 56), strict=False))


def _is_loopback(host: str | None) -> bool:
    return host is not None and ipaddress.ip_address(host.partition("%")[0]).is_loopback
