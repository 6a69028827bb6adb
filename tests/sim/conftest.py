"""`SEEDS=200 pytest tests/sim` runs each scenario with so many seeds, `SEED=17` with that one alone."""

from __future__ import annotations

import os

import pytest

FEW = 2


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        one = os.environ.get("SEED")
        metafunc.parametrize("seed", [int(one)] if one else range(int(os.environ.get("SEEDS", FEW))))
