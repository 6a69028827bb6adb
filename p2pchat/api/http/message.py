"""One HTTP request as the routes see it, and what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

from p2pchat.api.http.access import Kind

JSON: Final = "application/json"

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Gives a piece of the body to the client; raises trio.BrokenResourceError once the client is gone."""


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. Header names are lower-case; h11 has checked their form."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The value of a header; None if it was not sent."""
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Pass:
    """With what a request was let in."""

    kind: Kind
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """A status, headers, and the body: bytes, or a function that sends it piece by piece."""

    status: HTTPStatus
    body: bytes | Callable[[Send], Awaitable[None]] = b""
    type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class RefusedError(Exception):
    """The request is refused; the sentence reaches the client."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status

    def response(self) -> Response:
        """The refusal as an answer."""
        return Response(self.status, f"{self}\n".encode())
