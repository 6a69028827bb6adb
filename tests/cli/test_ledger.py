"""`p2pchat ledger`: files that prove something to anybody, and books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def proof(carol: Any, tmp_path: Path) -> Path:
    """What Carol, alone, can prove of her account with Alice."""
    file = tmp_path / "alice.proof"
    assert carol("pay", "alice", "12.50", "EUR", "pizza").code == 0
    outcome = carol("ledger", "statement", "alice", str(file), "--wait", "0")
    assert outcome.code == 0
    assert "has not confirmed" in outcome.out
    return file


def test_a_proof_is_checked_without_a_profile(nobody: Any, proof: Path) -> None:
    outcome = nobody("ledger", "verify", str(proof))
    assert outcome.code == 0
    assert "entries are signed by devices of the two" in outcome.out
    assert "not proven  Completeness" in outcome.out
    verdict = nobody.json("ledger", "verify", str(proof))
    assert (verdict["kind"], verdict["unit"]) == ("history", "EUR")
    assert not nobody.home.exists()


def test_a_proof_that_was_changed_is_exit_code_2(nobody: Any, proof: Path) -> None:
    data = bytearray(proof.read_bytes())
    data[-1] ^= 1
    proof.write_bytes(data)
    for damaged in (bytes(data), b"", b"no proof"):
        proof.write_bytes(damaged)
        assert f"The file {proof} proves nothing: " in nobody("ledger", "verify", str(proof)).refused(2)


def test_a_file_that_is_missing_is_exit_code_3_and_keeps_its_name(nobody: Any) -> None:
    assert "The file none.proof cannot be read" in nobody("ledger", "verify", "none.proof").refused(3)


def test_no_file_is_overwritten(carol: Any, proof: Path) -> None:
    before = proof.read_bytes()
    carol("ledger", "statement", "alice", str(proof)).refused(1)
    carol("ledger", "export", "--format", "csv", "alice", str(proof)).refused(1)
    assert proof.read_bytes() == before


def test_an_account_goes_into_a_file_and_all_into_a_folder(carol: Any, proof: Path) -> None:
    folder = proof.parent / "books"
    carol("pay", "alice", "3", "beer")
    carol("ledger", "export", "--format", "csv", "alice", str(folder)).refused(1)  # there are two
    one = proof.parent / "one.csv"
    assert carol("ledger", "export", "--format", "csv", "alice", str(one), "--unit", "beer").code == 0
    assert "3,beer" in one.read_text()
    assert carol("ledger", "export", "--format", "hledger", str(folder)).code == 0
    assert {file.name for file in folder.iterdir()} == {"alice-EUR.journal", "alice-beer.journal"}


def test_an_export_is_checked_as_well_and_an_edited_one_refused(carol: Any, nobody: Any, proof: Path) -> None:
    file = proof.parent / "alice.json"
    assert carol("ledger", "export", "--format", "json", "alice", str(file)).code == 0
    assert "no certificates" in nobody("ledger", "verify", str(file)).out
    file.write_text(file.read_text().replace("pizza", "pasta"))
    nobody("ledger", "verify", str(file)).refused(2)
