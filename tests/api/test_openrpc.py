"""The description of the API and the table say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from p2pchat.api import methods, openrpc
from p2pchat.api import schema as s
from p2pchat.api.refusals import refusals
from p2pchat.api.table import METHODS, SUBSCRIBE
from p2pchat.config import Home
from p2pchat.errors import NotAllowedError, P2PChatError
from p2pchat.node.profile import Profile


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


DESCRIBED = openrpc.describe()
BY_NAME = {one["name"]: one for one in DESCRIBED["methods"]}


def errors_of(name: str) -> set[str]:
    return {one["$ref"].rpartition("/")[2] for one in BY_NAME[name]["errors"]}


def test_what_a_method_refuses_is_said_with_its_class_and_exit_code() -> None:
    said = errors_of("message.send")
    assert said >= {"NotFoundError", "NotAllowedError", "UntrustedKeyError", "UsageError", "InvalidParams"}
    assert "NetworkError" not in said
    assert errors_of("identity.show") == {"StoreError", "InvalidParams", "Bug"}
    described = DESCRIBED["components"]["errors"]["NotFoundError"]
    assert described["data"] == {"error": "NotFoundError", "exit_code": 6}


def test_what_reads_is_not_said_to_refuse_a_change() -> None:
    for name in methods.QUERIES:
        assert NotAllowedError not in refusals(name, METHODS[name]), name


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Profile]:
    home = Home(tmp_path_factory.mktemp("refusing") / "ann")
    home.create()
    home.network_file.write_text('name = "paper"\n')
    Profile.create(home, "ann")
    with Profile.open(home) as opened:
        yield opened


WRONG = {"string": "zzzz", "integer": -1, "boolean": True, "array": ["zzzz"], "object": {}}


def nonsense(name: str) -> s.Params:
    """Parameters of a method that fit, and mean nothing."""
    wanted = {one["name"]: one["schema"] for one in BY_NAME[name]["params"] if one["required"]}
    values = {
        key: shape["enum"][0] if "enum" in shape else WRONG[shape.get("type", "string")]
        for key, shape in wanted.items()
    }
    return METHODS[name].params(**values)


def refused(profile: Profile, name: str) -> type[P2PChatError] | None:
    try:
        methods.call(profile, name, nonsense(name))
    except P2PChatError as error:
        return type(error)
    return None


@pytest.mark.parametrize("name", sorted(methods.QUERIES.keys() | methods.CHANGES.keys()))
def test_a_refusal_is_among_those_that_were_said(profile: Profile, name: str) -> None:
    assert refused(profile, name) in {None, *refusals(name, METHODS[name])}
