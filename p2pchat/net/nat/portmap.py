"""Asking the household's router to pass a TCP port on to us (UPnP IGD), always in the background.

Discovery alone takes seconds where there is no such router, which is most places; nobody waits for it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Final

import trio
from libp2p.discovery.upnp.upnp import UpnpManager

logger = logging.getLogger(__name__)

RENEW_S: Final = (30 * 60.0, 60 * 60.0)  # routers forget mappings when they restart, others after days
_REMOVE_S: Final = 3.0

Mapped = Callable[[str | None], None]


async def keep_mapped(port: int, mapped: Mapped) -> None:
    """Have `port` passed on to us until cancelled, and then no longer.

    `mapped` is called with our external address, /ip4/…/tcp/…, when that begins or changes, and with
    None when it has ended.
    """
    known: str | None = None
    while True:
        router = UpnpManager()
        address = await _map(router, port)
        if address != known:
            known = address
            mapped(address)
            if address is not None:
                logger.info("The router passes port %d on to this device.", port)
        try:
            await trio.sleep(random.uniform(*RENEW_S))
        except trio.Cancelled:
            if known is not None:
                with trio.CancelScope(deadline=trio.current_time() + _REMOVE_S, shield=True):
                    await router.remove_port_mapping(port)
            raise


async def _map(router: UpnpManager, port: int) -> str | None:
    if await router.discover() and await router.add_port_mapping(port):
        return f"/ip4/{router.get_external_ip()}/tcp/{port}"
    return None
