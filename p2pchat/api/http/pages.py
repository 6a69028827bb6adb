"""The page's files, with headers under which a browser runs and loads nothing else.

They hold no secret and need no session: whoever may connect may read them, and they are public anyway.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Final

import p2pchat_web

from p2pchat.api.http.message import RefusedError, Request, Response

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text becomes markup or script, by no mistake of ours
        "trusted-types 'none'",
    )
)
HEADERS: Final = (
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
    "webmanifest": "application/manifest+json",
}


class Pages:
    """All files of the page, in memory (some 200 kB)."""

    def __init__(self) -> None:
        self._files = {f"/{name}": data for name, data in p2pchat_web.files().items()}
        self._files["/"] = self._files["/index.html"]
        self._tags = {
            path: f'"{hashlib.sha256(data).hexdigest()[:32]}"' for path, data in self._files.items()
        }

    def answer(self, request: Request) -> Response:
        """The file that the request names.

        Raises:
            RefusedError: there is none, or it was asked for in another way than reading.
        """
        if request.method not in ("GET", "HEAD"):
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "Files are only read.")
        data = self._files.get(request.path)
        if data is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such page.")
        tag = self._tags[request.path]
        headers = (("Cache-Control", "no-cache"), ("ETag", tag))
        type = TYPES[request.path.rpartition(".")[2] if request.path != "/" else "html"]
        if request.header("if-none-match") == tag:
            return Response(HTTPStatus.NOT_MODIFIED, b"", type, headers)
        return Response(HTTPStatus.OK, data, type, headers)
