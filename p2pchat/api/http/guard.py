"""Which requests are let in: what the Host, Origin and Fetch Metadata headers and the secrets must say.

A page on the web can make a browser send requests to this machine. It cannot read the answers, set these
headers, or send our cookie (SameSite=Strict); and after DNS rebinding the Host is its own and not ours.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from p2pchat.api.http.access import Access
from p2pchat.api.http.message import JSON, Pass, RefusedError, Request

COOKIE: Final = "p2pchat-session"
_OURS: Final = ("same-origin", "none")  # none: typed into the address bar, or no page at all


def check_host(access: Access, request: Request) -> None:
    """Refuse a request that was meant for another name: DNS rebinding.

    Raises:
        RefusedError: it has another Host, or none.
    """
    host = (request.header("host") or "").lower()
    if host == access.host:
        return
    # Scripts bring a token, which no browser adds by itself; they need not know the page's name.
    scripts = host in (f"127.0.0.1:{access.port}", f"localhost:{access.port}")
    if scripts and request.path.startswith("/api/") and "authorization" in request.headers:
        return
    raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "This name does not belong to this node.")


def check_origin(access: Access, request: Request) -> None:
    """Refuse a request that another page made.

    Raises:
        RefusedError: its origin is not the page's, or a browser says that it comes from elsewhere.
    """
    origin = request.header("origin")
    if origin is not None and origin != access.origin:
        raise RefusedError(HTTPStatus.FORBIDDEN, "Pages from elsewhere may not use this node.")
    if request.headers.get("sec-fetch-site", "none") not in _OURS:
        raise RefusedError(HTTPStatus.FORBIDDEN, "Pages from elsewhere may not use this node.")


def check_json(request: Request) -> None:
    """Refuse a body that is not said to be JSON: a form of another page can send no such type unasked.

    Raises:
        RefusedError: it has another type.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body has to be {JSON}.")


def admit(access: Access, request: Request) -> Pass:
    """What the request was let in with: a token, else the session of the page's cookie.

    Raises:
        RefusedError: it has neither, or one that is unknown, ended or too old.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        found = Pass("script", token.strip())
        if scheme.lower() != "bearer":
            found = Pass("script", "")
    else:
        found = Pass("page", cookie(request))
        # Browsers send the origin with every POST: a cookie without one is no page of ours.
        if request.method not in ("GET", "HEAD") and request.header("origin") is None:
            raise RefusedError(HTTPStatus.FORBIDDEN, "A session is used from the page only.")
    if not access.admits(found.kind, found.secret):
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "Log in anew: `p2pchat web` opens the page.")
    return found


def cookie(request: Request) -> str:
    """The session in the cookie; empty if there is none."""
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
