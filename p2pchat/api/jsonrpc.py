"""JSON-RPC 2.0 in lines: one JSON object per line of UTF-8, in both directions.

https://www.jsonrpc.org/specification with three limits: parameters are named, batches are refused
(write requests one after the other, without waiting: they are carried out and answered in order), and
a request line has at most MAX_LINE bytes. Events are notifications named EVENT; a subscription that
the node ends is told by one notification named END.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from p2pchat.api import schema as s

MAX_LINE: Final = 1 << 20  # bytes of a request; the longest text plus its escapes fits several times

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REFUSED: Final = -32000  # an error of p2pchat.errors; `data` is schema.ErrorData

EVENT: Final = "event"
END: Final = "end"

Id = int | str | None


class Request(msgspec.Struct):
    """What a client writes. Without an id it is a notification and gets no answer."""

    jsonrpc: Literal["2.0"]
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: Id | msgspec.UnsetType = msgspec.UNSET


class Failure(msgspec.Struct, omit_defaults=True):
    """Why a request was not carried out, in one sentence."""

    code: int
    message: str
    data: s.ErrorData | None = None


class Ended(msgspec.Struct):
    """Why the node ended a subscription; the cursor of the last event seen is where to go on."""

    reason: str


class Incoming(msgspec.Struct):
    """What a client reads: an answer (result or error) or a notification (method)."""

    jsonrpc: Literal["2.0"]
    id: Id = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: Failure | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"")


def request(id: int, method: str, params: s.Params) -> bytes:
    """The line that asks for `method`."""
    return _line({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


def answer(id: Id, result: s.Result) -> bytes:
    """The line that answers request `id`."""
    return _line({"jsonrpc": "2.0", "id": id, "result": result})


def refusal(id: Id, failure: Failure) -> bytes:
    """The line that says why request `id` was not carried out; None if its id could not be read."""
    return _line({"jsonrpc": "2.0", "id": id, "error": failure})


def notification(method: str, params: s.Result | Ended) -> bytes:
    """A line that answers nothing."""
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def _line(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message) + b"\n"
