"""The method table as an OpenRPC document: https://spec.open-rpc.org/"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Final

import msgspec

from p2pchat import __version__
from p2pchat.api import jsonrpc
from p2pchat.api import schema as s
from p2pchat.api.refusals import refusals
from p2pchat.api.table import METHODS, SUBSCRIBE

VERSION: Final = "1.3.2"
_SCHEMAS: Final = "#/components/schemas/{name}"
_ERRORS: Final = {
    "InvalidParams": (jsonrpc.INVALID_PARAMS, "The parameters do not fit."),
    "Bug": (jsonrpc.INTERNAL_ERROR, "The node failed; its log tells more."),
}


@cache
def document() -> bytes:
    """The description of every method, as JSON."""
    return msgspec.json.format(msgspec.json.encode(describe()), indent=2)


def describe() -> dict[str, Any]:
    """The description of every method."""
    methods = dict(METHODS) | {
        SUBSCRIBE: s.Method(s.Since, s.Done, "network", "Follow the events: notifications named `event`")
    }
    kinds = list({kind: None for one in methods.values() for kind in (one.params, one.result)})
    shapes, schemas = msgspec.json.schema_components([*kinds, s.Event, s.ErrorData], ref_template=_SCHEMAS)
    shape_of = dict(zip([*kinds, s.Event, s.ErrorData], shapes, strict=True))
    return {
        "openrpc": VERSION,
        "info": {
            "title": "p2pchat",
            "version": __version__,
            "description": "JSON-RPC 2.0 lines on the profile's unix socket, on standard input and output, "
            "or over HTTP on loopback.",
            "license": {"name": "Apache-2.0"},
        },
        "methods": [
            {
                "name": name,
                "summary": one.help,
                "description": inspect.getdoc(one.params),
                "paramStructure": "by-name",
                "params": list(_params(schemas[one.params.__name__])),
                "result": {"name": one.result.__name__, "schema": shape_of[one.result]},
                "errors": [
                    {"$ref": f"#/components/errors/{error}"}
                    for error in (*(kind.__name__ for kind in refusals(name, one)), *_ERRORS)
                ],
                "x-runs": one.runs,
                "x-since": one.since,
            }
            for name, one in methods.items()
        ],
        "components": {
            "schemas": schemas,
            "errors": _errors(),
        },
    }


def _errors() -> dict[str, Any]:
    """What a node answers instead of a result. Its own refusals share a code: `data` tells them apart."""
    refused = {kind.__name__: kind for name, one in METHODS.items() for kind in refusals(name, one)}
    return {
        name: {
            "code": jsonrpc.REFUSED,
            "message": (inspect.getdoc(kind) or "").partition("\n")[0],
            "data": {"error": name, "exit_code": kind.exit_code},
        }
        for name, kind in sorted(refused.items())
    } | {name: {"code": code, "message": text} for name, (code, text) in _ERRORS.items()}


def _params(schema: dict[str, Any]) -> Any:
    for name, shape in schema["properties"].items():
        yield {"name": name, "required": name in schema["required"], "schema": shape}
