"""HTTP on loopback, turned on by `p2pchat web` and off by `p2pchat web --off`.

It is off until somebody asks for it: a port that every user and every web page of the machine can try
should exist only where it is used. Once on, it comes back at each start on the same port, so an open
page finds its node again after a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import trio

from p2pchat.api import schema as s
from p2pchat.api.backend import Backend
from p2pchat.api.http import neighbours
from p2pchat.api.http.access import LOGIN_MS, Access
from p2pchat.api.http.exchange import Exchange
from p2pchat.api.http.routes import Routes
from p2pchat.errors import NetworkError

if TYPE_CHECKING:
    # libp2p brings these stubs, which stand before trio's own types.
    from trio_typing import TaskStatus

logger = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
MAX_CONNECTIONS: Final = 64  # a browser opens up to six for each page
_BACKLOG: Final = 64


class HttpService:
    """The HTTP side of one node; its listener lives in `nursery`."""

    def __init__(
        self,
        access: Access,
        backend: Backend,
        keep: Callable[[bytes], Awaitable[None]],
        nursery: trio.Nursery,
    ) -> None:
        self._access = access
        self._keep = keep
        self._nursery = nursery
        self._routes = Routes(access, backend, self._save)
        self._room = trio.CapacityLimiter(MAX_CONNECTIONS)
        self._scope: trio.CancelScope | None = None

    async def resume(self) -> None:
        """Serve where we served before the restart, if HTTP is on.

        If another program has taken the port, it may have got our browser's cookie: all sessions end.
        """
        if not self._access.port:
            return
        try:
            await self._start(self._access.port)
        except NetworkError as error:
            logger.warning("%s All its sessions are ended: `p2pchat web` opens it anew.", error)
            self._access.end_all()
            self._access.port = 0
            await self._save()

    async def open(self, port: int = 0) -> s.WebLink:
        """A one-time link to the page; serves it from now on (`port` 0: any that is free).

        Raises:
            NetworkError: the port is taken.
        """
        if port and self._access.port != port:
            self._stop()
        if self._scope is None:
            await self._start(port)
        link = f"{self._access.origin}/#login={self._access.login()}"
        return s.WebLink(link=link, valid_s=LOGIN_MS // 1000)

    async def token(self) -> s.WebToken:
        """A token for scripts, and where to use it; serves HTTP from now on.

        Raises:
            NetworkError: no port is free.
        """
        if self._scope is None:
            await self._start(0)
        token = self._access.token()
        await self._save()
        return s.WebToken(token=token, url=f"http://{LOOPBACK}:{self._access.port}/api/v1/")

    async def close(self) -> None:
        """Serve no more, now and after a restart; all sessions and tokens end."""
        self._stop()
        self._access.end_all()
        self._access.port = 0
        await self._save()

    def _stop(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
            self._scope = None

    async def _save(self) -> None:
        await self._keep(self._access.encode())

    async def _start(self, port: int) -> None:
        try:
            (listener,) = await trio.open_tcp_listeners(port, host=LOOPBACK, backlog=_BACKLOG)
        except OSError as error:
            raise NetworkError(f"The page cannot be served on port {port}: {error.strerror}.") from error
        self._access.port = listener.socket.getsockname()[1]
        await self._save()
        self._scope = await self._nursery.start(self._serve, listener)
        logger.info("The page is served on %s port %d.", LOOPBACK, self._access.port)

    async def _serve(
        self,
        listener: trio.SocketListener,
        *,
        task_status: TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await trio.serve_listeners(self._admit, [listener])

    async def _admit(self, stream: trio.SocketStream) -> None:
        try:
            self._room.acquire_nowait()
        except trio.WouldBlock:
            logger.warning("A client of the HTTP API was turned away: %d are connected.", MAX_CONNECTIONS)
            return
        try:
            if await self._is_ours(stream):
                await Exchange(stream, self._routes).run()
            else:
                logger.warning("Another user of this machine was turned away from the HTTP API.")
        except Exception:
            logger.exception("A bug in the HTTP API ended one connection.")
        finally:
            self._room.release()

    async def _is_ours(self, stream: trio.SocketStream) -> bool:
        try:
            ours, theirs = stream.socket.getsockname(), stream.socket.getpeername()
        except OSError:
            return False  # gone already
        return await trio.to_thread.run_sync(neighbours.is_ours, ours, theirs)
