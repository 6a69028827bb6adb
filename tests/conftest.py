"""How the tests are shared among processes, and what a busy machine may do to them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


class Sharing(LoadScopeScheduling):  # type: ignore[misc] # xdist is untyped
    """Whole files go to one process, for their fixtures are networks of nodes; simulated worlds go alone.

    xdist's own `loadgroup` would do, but does nothing with pytest 9.2: it marks tests by changing their
    ids, which cannot be changed any more (https://github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return nodeid if file.startswith("tests/sim/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """The plugin's hook: who hands out the tests."""
    return Sharing(config, log)
