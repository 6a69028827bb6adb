"""Asking the household's router to pass a TCP port on to us (UPnP IGD), always in the background.

Discovery alone takes seconds where there is no such router, which is most places; nobody waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from libp2p.discovery.upnp.upnp import UpnpManager

logger = logging.getLogger(__name__)


@asynccontextmanager
async def mapped(port: int) -> AsyncIterator[str | None]:
    """Our external address, /ip4/…/tcp/…, while the router maps `port` to us; None if it does not.

    The mapping is taken back when the context closes.
    """
    router = UpnpManager()
    if not (await router.discover() and await router.add_port_mapping(port)):
        yield None
        return
    logger.info("The router passes port %d on to this device.", port)
    try:
        yield f"/ip4/{router.get_external_ip()}/tcp/{port}"
    finally:
        with trio.move_on_after(3) as scope:
            scope.shield = True
            await router.remove_port_mapping(port)
