"""The arithmetic of the example: a purse is even to the cent."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pchat.api import schema as s

PEOPLE = ["alice", "bob", "carol"]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = Path(__file__).parents[2] / "examples" / "expense_bot.py"
    spec = importlib.util.spec_from_file_location("expense_bot", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    name, sys.argv[0] = sys.argv[0], "expense_bot"
    try:
        spec.loader.exec_module(module)
    finally:
        sys.argv[0] = name
    return module


def said(sender: str, text: str) -> s.Message:
    fields = {"id": "x", "chat": "#trip", "sender": sender, "mine": False, "kind": "text", "text": text}
    return msgspec.convert(fields | {"sent_ms": 1, "received_ms": 1, "state": "received"}, s.Message)


def test_a_purse_says_who_is_ahead_and_who_pays_whom(example: Any) -> None:
    talk = [said("alice", "paid 84.00 EUR dinner"), said("bob", "hm"), said("bob", "Paid 12 eur\nice")]
    assert example.purse(talk, PEOPLE) == [
        "alice +52.00 EUR",
        "bob -20.00 EUR",
        "carol -32.00 EUR",
        "carol → alice: 32.00 EUR",
        "bob → alice: 20.00 EUR",
    ]


def test_who_is_no_member_pays_for_nobody(example: Any) -> None:
    assert example.purse([said("mallory", "paid 84.00 EUR dinner")], PEOPLE) == [
        "Nobody has paid anything yet."
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no error
@given(bills=st.lists(st.tuples(st.sampled_from(PEOPLE), st.integers(1, 10**6)), max_size=8))
def test_payments_settle_every_purse(example: Any, bills: list[tuple[str, int]]) -> None:
    standing = dict.fromkeys(PEOPLE, 0)
    for turn, (payer, cents) in enumerate(bills):
        standing[payer] += cents
        parts = example.shares(cents, PEOPLE, turn)
        assert sum(parts.values()) == cents
        for person, part in parts.items():
            standing[person] -= part
    paid = example.payments(standing)
    for owes, due, cents in paid:
        standing[owes] += cents
        standing[due] -= cents
    assert not any(standing.values())
    assert len(paid) < len(PEOPLE)
