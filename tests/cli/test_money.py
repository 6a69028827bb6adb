"""Money commands while no node runs: what they enter, how they show it, and what they refuse."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

SPLITWISE = """Date,Description,Category,Cost,Currency,Al Ice,Bob B
2026-10-01,Dinner,Dining out,100.00,EUR,66.67,-66.67
2026-10-02,Taxi,Taxi,10.00,EUR,-3.33,3.33
2026-10-03,Total balance, , ,EUR,63.34,-63.34
"""


@pytest.fixture
def ann(alice: Any, bob: Any) -> Any:
    """Alice, who has asked Bob to be a contact."""
    link = bob.json("invite", "--no-qr")["link"]
    alice.json("contact", "add", link, "--name", "bob")
    return alice


@pytest.mark.parametrize(
    "words",
    [
        ["circle", "accept", "abcdefgh"],
        ["circle", "join", "trip"],
        ["pay", "zoe", "3", "EUR", "--through", "yan"],
        ["recurring", "stop", "abcd"],
        ["iou", "dispute", "abcdefgh"],
        ["ledger", "receipt", "abcdefgh", "x.proof"],
        ["ledger", "plot", "zoe"],
    ],
    ids=" ".join,
)
def test_a_name_or_id_that_means_nothing_is_exit_code_6(alice: Any, words: list[str]) -> None:
    alice(*words).refused(6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pay", "bob", "3", "USD", "--in", "EUR", "--rate", "1e3"], "rate"),
        (["pay", "bob", "3", "EUR", "--due", "tomorrow"], "2026-12-24"),
        (["pay", "bob", "3", "EUR", "--category", "two words"], "one word"),
        (["circle", "swap", "bob", "3", "EUR", "2", "beer"], "for"),
        (["circle", "pay", "p2pchat-invoice:xyz"], "invoice"),
        (["split", "trip", "3", "EUR", "--item", "3", "--item", "x=bob"], "--item 12.50=bob,me"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_entered_is_told_in_one_sentence(ann: Any, words: list[str], sentence: str) -> None:
    outcome = ann(*words)
    assert outcome.code in (1, 8)
    assert sentence in outcome.refused(outcome.code)
    assert ann.json("iou", "list")["ious"] == []


def test_what_stands_beside_an_amount_is_signed_and_shown(ann: Any, tmp_path: Path) -> None:
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(b"two pizzas")
    extras = [
        "--due",
        "2030-12-24",
        "--category",
        "food",
        "--attach",
        str(bill),
        "--in",
        "EUR",
        "--rate",
        "0.92",
    ]
    made = ann.json("pay", "bob", "13.60", "USD", "pizza", *extras, "--in", "EUR", "--rate", "0.92")
    assert (made["amount"], made["foreign"], made["due"]) == ("12.51 EUR", "13.60 USD at 0.92", "2030-12-24")
    assert made["files"] == {"bill.pdf": hashlib.sha256(b"two pizzas").hexdigest()}
    shown = ann("iou", "list").out
    for part in ("12.51 EUR", "13.60 USD at 0.92", "due 2030-12-24", "[bill.pdf]", "pizza #food"):
        assert part in shown
    assert ann("iou", "dispute", made["id"][:8], "it was 12").code == 0
    assert "disputed" in ann("ledger", "history", "bob", "--category", "food").out
    page = tmp_path / "bob.html"
    assert ann("ledger", "export", "--format", "html", "bob", str(page)).code == 0
    assert "bill.pdf" in page.read_text(encoding="utf-8")


def test_what_comes_again_is_listed_and_stopped(ann: Any) -> None:
    rule = ann.json("recurring", "request", "bob", "400", "EUR", "rent", "--from", "2030-01-31")
    assert (rule["next"], rule["step"]) == ("2030-01-31", "month")
    assert "ask bob for" in ann("recurring", "list").out
    assert ann("recurring", "stop", rule["id"][:6]).code == 0
    assert ann.json("recurring", "list")["recurring"] == []


def test_a_splitwise_export_is_shown_then_entered_once(ann: Any, tmp_path: Path) -> None:
    file = tmp_path / "trip.csv"
    file.write_text(SPLITWISE, encoding="utf-8")
    words = ["ledger", "import", str(file), "--me", "Al Ice"]
    assert ann.json(*words)["sums"] == [{"name": "Bob B", "who": None, "amount": "63.34 EUR", "i_owe": False}]
    ann(*words, "--enter").refused(1)
    ann("ledger", "import", str(file), "--me", "Nobody").refused(1)
    (made,) = ann.json(*words, "--who", "Bob B=bob", "--enter")["ious"]
    assert (made["kind"], made["amount"], made["direction"]) == ("request", "63.34 EUR", "owes-me")
    ann(*words, "--who", "Bob B=bob", "--enter").refused(1)
    assert len(ann.json("iou", "list")["ious"]) == 1


def test_a_balance_of_nothing_names_its_unit(carol: Any) -> None:
    for amount in ("1 EUR", "2 beer"):
        assert carol("pay", "alice", *amount.split()).code == 0
    shown = sorted(" ".join(line.split()) for line in carol("balance").out.splitlines())
    assert shown == ["alice all square in EUR 1 IOU open", "alice all square in beer 1 IOU open"]
