"""How the tests are shared among processes."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole files go to one process, for their fixtures are networks of nodes; simulated worlds do not."""
    for item in items:
        if "worlds" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
