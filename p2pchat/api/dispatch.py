"""From one JSON-RPC request to its answer, whatever carried it here."""

from __future__ import annotations

import logging
from typing import Final, NamedTuple, Self

import msgspec

from p2pchat.api import jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.backend import Backend, Call, Outcome
from p2pchat.api.jsonrpc import Failure, Request
from p2pchat.api.table import METHODS, SUBSCRIBE
from p2pchat.errors import P2PChatError

logger = logging.getLogger(__name__)

TOO_LONG: Final = Failure(jsonrpc.INVALID_REQUEST, f"A request has at most {jsonrpc.MAX_LINE} bytes.")


class UnknownMethodError(Exception):
    """The table has no such method."""


def read(line: bytes) -> Request | Failure:
    """The request on a line, or why it is none."""
    try:
        return msgspec.json.decode(line, type=Request)
    except msgspec.ValidationError as error:
        return Failure(jsonrpc.INVALID_REQUEST, f"This is no JSON-RPC 2.0 request: {error}.")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Failure(jsonrpc.PARSE_ERROR, "A request is one JSON object on one line.")


def parse(request: Request) -> Call:
    """What `request` asks for. Raises what `explain` makes a sentence of."""
    if request.method == SUBSCRIBE:
        return SUBSCRIBE, msgspec.json.decode(request.params, type=s.Since)
    method = METHODS.get(request.method)
    if method is None:
        raise UnknownMethodError
    return request.method, msgspec.json.decode(request.params, type=method.params)


async def call(backend: Backend, request: Request) -> s.Result:
    """What `backend` answers. Raises whatever it raises; `explain` makes a sentence of it."""
    method, params = parse(request)
    if method == SUBSCRIBE:
        raise UnknownMethodError  # what carries a request and its answer carries no events
    return await backend.call(method, params)


class Question(NamedTuple):
    """A line of a client: the request on it, if there is one, and what it asks for or why that is refused."""

    request: Request | None
    call: Call | Failure

    @classmethod
    def on(cls, line: bytes) -> Self:
        """The question on `line`."""
        if len(line) > jsonrpc.MAX_LINE:
            return cls(None, TOO_LONG)
        request = read(line)
        if isinstance(request, Failure):
            return cls(None, request)
        try:
            return cls(request, parse(request))
        except Exception as error:
            return cls(request, explain(request.method, error))

    def reply(self, outcome: Outcome | Failure) -> bytes:
        """The line that answers; nothing if it was a notification."""
        if self.request is None:
            assert isinstance(outcome, Failure)
            return jsonrpc.refusal(None, outcome)
        if self.request.id is msgspec.UNSET:
            if isinstance(outcome, Exception):
                explain(self.request.method, outcome)  # into the log, if it is a bug
            return b""
        if isinstance(outcome, Exception):
            outcome = explain(self.request.method, outcome)
        if isinstance(outcome, Failure):
            return jsonrpc.refusal(self.request.id, outcome)
        return jsonrpc.answer(self.request.id, outcome)


def explain(method: str, error: Exception) -> Failure:
    """Why `method` was not carried out; a bug is logged and not shown."""
    match error:
        case UnknownMethodError():
            return Failure(jsonrpc.METHOD_NOT_FOUND, f"This node has no method {method!r}.")
        case msgspec.DecodeError() | UnicodeDecodeError() | RecursionError():
            return Failure(jsonrpc.INVALID_PARAMS, f"The parameters of {method} do not fit: {error}.")
        case P2PChatError():
            data = s.ErrorData(exit_code=error.exit_code, error=type(error).__name__)
            return Failure(jsonrpc.REFUSED, str(error), data)
        case _:
            logger.error("A bug in %s.", method, exc_info=error)
            sentence = f"The node failed at {method}, which is a bug: its log tells more."
            return Failure(jsonrpc.INTERNAL_ERROR, sentence)
