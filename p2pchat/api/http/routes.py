"""What stands at which path.

POST   /api/v1/rpc            one JSON-RPC 2.0 request of the method table
GET    /api/v1/events         server-sent events; ?since=CURSOR or Last-Event-ID
GET    /api/v1/files/ID       a file that is here, in the clear: images to be shown, others to be saved
GET    /api/v1/openrpc.json   the method table in OpenRPC
POST   /api/v1/session        {"secret": one-time login secret} → cookie
DELETE /api/v1/session        log out
GET    anything else          the page
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, quote

import msgspec

from p2pchat.api import dispatch, jsonrpc, openrpc
from p2pchat.api.backend import Backend
from p2pchat.api.http import guard, pages, stream
from p2pchat.api.http.access import SESSION_MS, Access
from p2pchat.api.http.message import JSON, Pass, RefusedError, Request, Response, Send
from p2pchat.core.files.names import UNKNOWN_TYPE
from p2pchat.errors import NotAllowedError, UsageError

API: Final = "/api/v1/"
NOT_HERE: Final = frozenset(
    {"backup.words", "backup.create", "backup.verify", "web.open", "web.token", "web.close"}
    | {"hook.add", "hook.list", "hook.remove"}  # a hook runs commands
    | {"file.add", "file.save"}
)
"""Methods that stay with the private socket: whoever steals a session must not become the person."""

INLINE: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser shows and that can run nothing; SVG is none of them."""

_PRIVATE: Final = ("Cache-Control", "no-store")


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /api/v1/session."""

    secret: str


class Routes:
    """Answers requests; `keep` is called after each change of `access`."""

    def __init__(self, access: Access, backend: Backend, keep: Callable[[], Awaitable[None]]) -> None:
        self._access = access
        self._backend = backend
        self._keep = keep
        self._pages = pages.Pages()

    async def __call__(self, request: Request) -> Response:
        """The answer, with the headers that every answer has.

        Raises:
            RefusedError: the request is not let in, or asks for what is not there.
        """
        guard.check_host(self._access, request)
        if request.path.startswith(API):
            guard.check_origin(self._access, request)
            response = await self._api(request)
        else:
            response = self._pages.answer(request)
        response_headers = (*pages.HEADERS, *response.headers)
        return dataclasses.replace(response, headers=response_headers)

    async def _api(self, request: Request) -> Response:
        match request.method, request.path.removeprefix(API):
            case "POST", "session":
                return await self._log_in(request)
            case "DELETE", "session":
                return await self._log_out(guard.admit(self._access, request))
            case "POST", "rpc":
                guard.admit(self._access, request)
                guard.check_json(request)
                return await self._rpc(request.body)
            case "GET", "events":
                return self._events(request, guard.admit(self._access, request))
            case "GET", "openrpc.json":
                guard.admit(self._access, request)
                return Response(HTTPStatus.OK, openrpc.document(), JSON, (_PRIVATE,))
            case "GET", path if path.startswith("files/"):
                guard.admit(self._access, request)
                return await self._file(path.removeprefix("files/"))
            case _, "session" | "rpc" | "events" | "openrpc.json":
                raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "This is asked for in another way.")
        raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such thing in the API.")

    async def _log_in(self, request: Request) -> Response:
        guard.check_json(request)
        try:
            login = msgspec.json.decode(request.body, type=Login)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "This is no login.") from error
        session = self._access.redeem(login.secret)
        if session is None:
            sentence = "This login link was used, or is too old: `p2pchat web` makes another."
            raise RefusedError(HTTPStatus.UNAUTHORIZED, sentence)
        await self._keep()
        return self._cookie(session, SESSION_MS // 1000)

    async def _log_out(self, admitted: Pass) -> Response:
        self._access.end(admitted.secret)
        await self._keep()
        return self._cookie("", 0)

    def _cookie(self, value: str, max_age_s: int) -> Response:
        cookie = f"{guard.COOKIE}={value}; Path=/api/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict"
        return Response(HTTPStatus.NO_CONTENT, headers=(("Set-Cookie", cookie), _PRIVATE))

    async def _rpc(self, body: bytes) -> Response:
        request = dispatch.read(body)
        if isinstance(request, jsonrpc.Failure):
            return _json(jsonrpc.refusal(None, request))
        id = None if request.id is msgspec.UNSET else request.id
        try:
            if request.method in NOT_HERE:
                raise NotAllowedError(f"{request.method} is for the command line alone")
            answer = jsonrpc.answer(id, await dispatch.call(self._backend, request))
        except Exception as error:
            answer = jsonrpc.refusal(id, dispatch.explain(request.method, error))
        return Response(HTTPStatus.NO_CONTENT) if request.id is msgspec.UNSET else _json(answer)

    async def _file(self, id: str) -> Response:
        try:
            file, pieces = await self._backend.open_file(id)
        except UsageError as error:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"{error}.") from error

        async def produce(send: Send) -> None:
            async with aclosing(pieces):
                async for piece in pieces:
                    if piece:
                        await send(piece)

        shown = file.type in INLINE
        disposition = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}"
        headers = (
            ("Content-Length", str(file.size)),
            ("Content-Disposition", disposition),
            ("Content-Security-Policy", "sandbox; default-src 'none'"),  # beside that of the pages
            ("Connection", "close"),
            _PRIVATE,
        )
        return Response(HTTPStatus.OK, produce, file.type if shown else UNKNOWN_TYPE, headers)

    def _events(self, request: Request, admitted: Pass) -> Response:
        asked = parse_qs(request.query, max_num_fields=8).get("since", [None])[0]
        since = stream.cursor(request.header("last-event-id"), asked)
        if since is None:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "The cursor is a number.")
        produce = stream.stream(
            self._backend, since, lambda: self._access.admits(admitted.kind, admitted.secret)
        )
        return Response(
            HTTPStatus.OK, produce, stream.TYPE, (("Cache-Control", "no-store"), ("Connection", "close"))
        )


def _json(line: bytes) -> Response:
    return Response(HTTPStatus.OK, line, JSON, (_PRIVATE,))
