"""What a store method is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.store.transaction import Reader, Transaction

Query: TypeAlias = Callable[[App, Reader, Any], s.Result]
Change: TypeAlias = Callable[[App, Transaction, Any], s.Result]

MAX_PAGE: Final = 500


def page_limit(limit: int) -> int:
    """`limit`, if a page may be so long. Raises UsageError."""
    if not 0 < limit <= MAX_PAGE:
        raise UsageError(f"a page has 1 to {MAX_PAGE} lines, not {limit}")
    return limit
