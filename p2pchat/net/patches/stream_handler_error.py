"""An exception in a stream handler ends the host.

libp2p runs handlers in the nursery of the connection's service task: an error, ours or one that a
peer's bytes provoke in libp2p's own handlers, cancels the swarm and leaves `host.run()`. Seen with a
handler that raises ValueError and with six kinds of hostile bytes. Unnecessary once
`SwarmConn._handle_muxed_stream` contains its errors (py-libp2p issue 417 is its sibling, open since 2020).
"""

from __future__ import annotations

import logging
from typing import Any, Final

from libp2p.network.connection.swarm_connection import SwarmConn

from p2pchat.net.patches.replacement import Replacement

logger = logging.getLogger(__name__)

_original = SwarmConn._handle_muxed_stream


async def _handle_muxed_stream(self: Any, muxed_stream: Any) -> None:
    try:
        await _original(self, muxed_stream)
    except Exception as error:
        logger.info("A stream handler of libp2p failed: %s: %s", type(error).__name__, error)
        await muxed_stream.reset()


REPLACEMENTS: Final = (Replacement(SwarmConn, "_handle_muxed_stream", _handle_muxed_stream),)
