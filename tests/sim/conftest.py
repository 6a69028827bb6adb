"""With how many seeds the simulated scenarios run.

SEEDS=n  every scenario in small worlds with the seeds below n (the numbered ones 200, the others 2)
LARGE=n  the numbered ones in large worlds as well, with the seeds below n (2)
SEED=n   that seed alone, in worlds of both sizes
"""

from __future__ import annotations

import os
from itertools import chain

import pytest

from p2pchat.testing.simulate import Worlds

FEW, MANY = 2, 200
CHUNK = 25  # seeds in one test: few enough for the processes of a run to share


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one, seeds = os.environ.get("SEED"), os.environ.get("SEEDS")
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", [int(one)] if one else range(int(seeds or FEW)))
    if "worlds" in metafunc.fixturenames:
        if one:
            found = [Worlds(range(int(one), int(one) + 1), is_large) for is_large in (False, True)]
        else:
            found = list(
                chain(
                    chunks(int(seeds or MANY), CHUNK, is_large=False),
                    chunks(int(os.environ.get("LARGE", FEW)), 1, is_large=True),
                )
            )
        metafunc.parametrize("worlds", found, ids=str)


def chunks(seeds: int, size: int, *, is_large: bool) -> list[Worlds]:
    """The seeds below `seeds`, so many at a time."""
    return [Worlds(range(at, min(at + size, seeds)), is_large) for at in range(0, seeds, size)]
