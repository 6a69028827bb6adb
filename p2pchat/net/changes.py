"""Noticing that this machine is in another network than before, or slept: what failed may work now.

No portable call tells of this, so it is looked for every two seconds, which costs a fraction of a
millisecond.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from collections.abc import Callable
from typing import Final

import ifaddr
import trio

logger = logging.getLogger(__name__)

POLL_S: Final = 2.0
SLEPT_S: Final = 10.0  # a wall clock that is set by less than this was corrected; by more, we slept
_AFAR: Final = (  # documentation addresses (RFC 5737, RFC 3849): a route to them is the default route
    (socket.AF_INET, "192.0.2.1"),
    (socket.AF_INET6, "2001:db8::1"),
)

Place = frozenset[str]
"""What tells one place in the internet from another."""


def place() -> Place:
    """The addresses of our interfaces, and from which of them the default routes go out."""
    addresses = {
        str(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    }
    return frozenset(filter(_is_outer, addresses)) | frozenset(map("default {}".format, _default_sources()))


async def watch(
    changed: Callable[[], None],
    *,
    look: Callable[[], Place] = place,
    wall_clock: Callable[[], float] = time.time,
) -> None:
    """Call `changed` soon after our place has changed or the machine has slept; until cancelled.

    trio's clock stands still while the machine sleeps, the wall clock (seconds) does not.
    """
    here, drift = look(), wall_clock() - trio.current_time()
    while True:
        await trio.sleep(POLL_S)
        there, now = look(), wall_clock() - trio.current_time()
        slept = now - drift > SLEPT_S
        if there != here or slept:
            logger.info("The machine has slept." if slept else "The network has changed.")
            changed()
        here, drift = there, now


def _is_outer(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return not (parsed.is_loopback or parsed.is_link_local)


def _default_sources() -> list[str]:
    """The source address of packets to afar, for each family that has a route; nothing is sent."""
    sources = []
    for family, afar in _AFAR:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((afar, 9))
                sources.append(str(probe.getsockname()[0]))
            except OSError:  # no route
                continue
    return sources
