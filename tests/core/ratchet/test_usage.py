"""The use shown in the package's docstring runs as it is written."""

from __future__ import annotations

import doctest

import p2pchat.core.ratchet


def test_the_documented_use_runs() -> None:
    results = doctest.testmod(p2pchat.core.ratchet)
    assert results.attempted > 20
    assert results.failed == 0
