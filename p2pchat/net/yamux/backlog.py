"""How much of what was sent the peer's host has not acknowledged: tells a slow link from a dead peer.

An answer to a ping may wait behind megabytes on a slow uplink. As long as the kernel's backlog
shrinks, somebody takes our bytes. Linux tells with SIOCOUTQ (tcp(7)); elsewhere the backlog counts as 0,
and a slow link may look dead.
"""

from __future__ import annotations

import sys
from typing import Any


def backlog(secured_conn: Any) -> int:
    """Bytes that the kernel keeps for the peer of `secured_conn`; 0 if it is no socket of ours."""
    socket = _socket_of(secured_conn)
    if socket is None or sys.platform != "linux":
        return 0
    import fcntl
    import termios

    try:
        answer = fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:  # closed meanwhile
        return 0
    return int.from_bytes(answer, sys.byteorder)


def _socket_of(layer: Any) -> Any:
    """The socket below a Noise session, a raw connection (with or without psk) and a TCP stream."""
    while layer is not None and not hasattr(layer, "socket"):
        layer = next((vars(layer)[name] for name in ("conn", "_conn", "stream") if name in vars(layer)), None)
    return None if layer is None else layer.socket
