"""What every part of the schema is built of."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

__all__ = ["Done", "ErrorData", "Method", "Nothing", "Params", "Result", "Who"]


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of all parameters: named, and unknown names are refused."""


class Result(msgspec.Struct, kw_only=True):
    """Base of all results; a newer node may add fields."""


class Nothing(Params):
    """No parameters."""


class Done(Result):
    """The request was carried out and has nothing to show."""


class Who(Params):
    """A contact."""

    who: str


class ErrorData(Result):
    """The `data` of a JSON-RPC error."""

    exit_code: int
    error: str  # the class name in p2pchat.errors


class Method(NamedTuple):
    """One capability: its parameter and result types, where it runs, what it is for, and since when.

    `store` methods are plain functions of the store and run in the node or, when no node runs, in the
    command's own process. `network` methods need the running node.
    """

    params: type[Params]
    result: type[Result]
    runs: Literal["store", "network"]
    help: str
    since: str = "0.1"
