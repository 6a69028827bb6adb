"""Paying back, limits and proofs between two real nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end


def cents(person: Any, other: Any) -> int:
    """What `other` owes `person`, in euros' cents."""
    return int(person.balances().get((other.name, "EUR"), 0))


def decidable(person: Any, id: str) -> bool:
    listed = person.json("iou", "list")["ious"]
    return any(one["id"] == id and one["mine_to_decide"] for one in listed)


def agree_on(people: Any, expected: int) -> None:
    """Wait until both say that the second owes the first so much."""
    ann, ben = people
    ann.until(f"Ben owes {expected}", lambda: cents(ann, ben) == expected)
    ben.until(f"Ann is owed {expected}", lambda: cents(ben, ann) == -expected)


def test_a_debt_within_the_limit_is_paid_back_and_the_balance_proven(pair: Any, tmp_path: Path) -> None:
    ann, ben = pair
    assert ann.json("iou", "limit", "ben", "50", "EUR", "--auto", "20")["auto"] == "20.00 EUR"
    ben.json("pay", "ann", "20", "EUR", "tickets")
    agree_on(pair, 2000)  # nobody has accepted anything by hand

    asked = ben.json("settle", "ann", "5", "EUR", "cash")
    ann.until("the request for a receipt", lambda: decidable(ann, asked["id"]))
    assert cents(ann, ben) == 2000
    ann.json("iou", "accept", asked["id"])
    agree_on(pair, 1500)

    ann.json("receipt", "ben", "3", "EUR")
    agree_on(pair, 1200)

    file = tmp_path / "ben.proof"
    assert ann.json("ledger", "statement", "ben", str(file), "--wait", "60")["countersigned"]
    outcome = ann("ledger", "verify", str(file))
    assert outcome.code == 0
    assert "12.00 EUR" in outcome.out
    assert "Both signed" in outcome.out
