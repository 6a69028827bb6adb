"""The threat model promises nothing without a test, and names no test that is gone."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def all_tests() -> set[str]:
    """The names of all test functions of the project."""
    return {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", MODEL))
    assert len(named) > 50
    assert named <= all_tests()


def test_every_promise_of_the_threat_model_names_a_test() -> None:
    tables = re.findall(r"^\| promise \| test \|\n\|---\|---\|\n((?:\|.*\n)+)", MODEL, re.MULTILINE)
    promises = [line for table in tables for line in table.splitlines()]
    assert len(promises) > 30
    assert [line for line in promises if "`test_" not in line.split("|")[2]] == []
