"""One HTTP/1.1 connection: requests in, responses out, both bounded in size and time (h11, RFC 9112).

A client that does not send is dropped after REQUEST_S, one that does not read after STALL_S. It costs
its own task meanwhile and nothing of the node's.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import h11
import trio

from p2pchat.api.http.message import RefusedError, Request, Response, Send
from p2pchat.api.jsonrpc import MAX_LINE

logger = logging.getLogger(__name__)

REQUEST_S: Final = 15.0  # for the whole of a request
IDLE_S: Final = 120.0  # between two requests
STALL_S: Final = 60.0
LINGER_S: Final = 1.0
MAX_HEAD: Final = 16 * 1024  # bytes of request line and headers
MAX_BODY: Final = MAX_LINE
_READ_SIZE: Final = 1 << 16

Routes = Callable[[Request], Awaitable[Response]]


class Exchange:
    """Serves `stream` until the client leaves, breaks off, or breaks a rule."""

    def __init__(self, stream: trio.SocketStream, routes: Routes) -> None:
        self._stream = stream
        self._routes = routes
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    async def run(self) -> None:
        """Answer one request after the other."""
        try:
            while await self._one():
                self._http.start_next_cycle()
        except* trio.BrokenResourceError:  # alone, or from the tasks of a streamed body
            logger.debug("A client of the HTTP API broke off.")

    async def _one(self) -> bool:
        """One request and its answer; whether the connection can carry another."""
        try:
            request = await self._request()
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint)
            await self._refuse(RefusedError(status, "This is no HTTP request."))
            return False
        except RefusedError as refused:  # the rest of the body stands in the way of the next request
            await self._refuse(refused)
            return False
        if request is None:
            return False
        try:
            response = await self._routes(request)
        except RefusedError as refused:
            response = refused.response()
        except Exception:
            logger.exception("A bug in the HTTP API.")
            response = RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "The node failed.").response()
        await self._respond(response, request.method)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _request(self) -> Request | None:
        with trio.move_on_after(IDLE_S):
            head = await self._next()
            if not isinstance(head, h11.Request):
                return None
            with trio.move_on_after(REQUEST_S):
                body = bytearray()
                while isinstance(part := await self._next(), h11.Data):
                    body += part.data
                    if len(body) > MAX_BODY:
                        sentence = f"A request has at most {MAX_BODY} bytes."
                        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
                return None if isinstance(part, h11.ConnectionClosed) else _read(head, bytes(body))
        return None

    async def _next(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._write(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._stream.receive_some(_READ_SIZE))
        assert not isinstance(event, type)  # PAUSED comes only if two requests are read at a time
        return event

    async def _refuse(self, refused: RefusedError) -> None:
        await self._respond(refused.response(), "GET")
        # Closing on unread bytes resets the connection, and the client would lose the answer.
        with trio.move_on_after(LINGER_S):
            await self._stream.send_eof()
            while await self._stream.receive_some(_READ_SIZE):
                pass

    async def _respond(self, response: Response, method: str) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = [*response.headers, ("Content-Type", response.type)]
        if isinstance(response.body, bytes):
            headers.append(("Content-Length", str(len(response.body))))
        head = h11.Response(status_code=response.status, headers=headers)
        if isinstance(response.body, bytes):
            body = response.body if method != "HEAD" else b""
            await self._write(head, h11.Data(data=body), h11.EndOfMessage())  # at once: one packet for most
            return
        await self._write(head)
        await self._stream_body(response.body)
        await self._write(h11.EndOfMessage())

    async def _stream_body(self, produce: Callable[[Send], Awaitable[None]]) -> None:
        """A body without a known end; it ends early if the client leaves."""
        one_at_a_time = trio.Lock()

        async def send(piece: bytes) -> None:
            async with one_at_a_time:
                await self._write(h11.Data(data=piece))

        async def notice_the_end() -> None:
            await self._stream.receive_some(1)  # nothing may come before our answer has ended
            raise trio.BrokenResourceError

        async with trio.open_nursery() as nursery:
            nursery.start_soon(notice_the_end)
            await produce(send)
            nursery.cancel_scope.cancel()

    async def _write(self, *events: h11.Event) -> None:
        data = b"".join(self._http.send(event) or b"" for event in events)
        with trio.move_on_after(STALL_S) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            logger.warning("A client of the HTTP API read nothing for %d s and was dropped.", STALL_S)
            raise trio.BrokenResourceError


def _read(head: h11.Request, body: bytes) -> Request:
    path, _, query = head.target.decode("ascii", "replace").partition("?")
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return Request(head.method.decode("ascii"), path, query, headers, body)
