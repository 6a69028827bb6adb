"""The node's side of the local API: JSON-RPC lines on a private unix socket."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from p2pchat.api import endpoint
from p2pchat.api.backend import Backend
from p2pchat.api.connection import Connection

if TYPE_CHECKING:
    # libp2p brings these stubs, which stand before trio's own types.
    from trio_typing import TaskStatus

logger = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 128  # each costs two tasks and a short queue

__all__ = ["MAX_CONNECTIONS", "serve"]


async def serve(
    path: Path, backend: Backend, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Answer clients at `path` until cancelled, then take the socket away.

    A client that breaks off, floods or sends garbage ends its own connection at most.

    Raises:
        StoreError: a node listens there already, or the socket cannot be made (see endpoint.listen).
    """
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(endpoint.listen(path)))
    room = trio.CapacityLimiter(MAX_CONNECTIONS)

    async def admit(stream: trio.SocketStream) -> None:
        try:
            room.acquire_nowait()
        except trio.WouldBlock:
            logger.warning("A client of the local API was turned away: %d are connected.", MAX_CONNECTIONS)
            return
        try:
            await Connection(stream, backend).run()
        except Exception:
            logger.exception("A bug in the local API ended one connection.")
        finally:
            room.release()

    try:
        task_status.started()
        await trio.serve_listeners(admit, [listener])
    finally:
        endpoint.remove(path)
