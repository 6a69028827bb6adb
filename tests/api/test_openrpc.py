"""The description of the API and the table say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from p2pchat.api import openrpc
from p2pchat.api.table import METHODS, SUBSCRIBE


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if "$ref" in part else [])
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_method_is_described_with_all_its_parameters() -> None:
    described = {one["name"]: one for one in json.loads(openrpc.document())["methods"]}
    assert described.keys() == METHODS.keys() | {SUBSCRIBE}
    for name, method in METHODS.items():
        params = {one["name"]: one["required"] for one in described[name]["params"]}
        assert params.keys() == set(method.params.__struct_fields__)
        assert described[name]["summary"] == method.help
        assert described[name]["x-since"]


def test_what_a_parameter_must_be_and_whether_it_must_be_there_is_said() -> None:
    (send,) = [one for one in openrpc.describe()["methods"] if one["name"] == "message.send"]
    assert [one["name"] for one in send["params"] if one["required"]] == ["chat", "text"]
    assert send["params"][0]["schema"] == {"type": "string"}


def test_every_reference_leads_somewhere() -> None:
    document = json.loads(openrpc.document())
    found = set(references(document))
    assert len(found) > 50
    for reference in found:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
