"""The method table: every capability of a node, by name. Each feature's part stands beside its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from p2pchat.api import schema
from p2pchat.api.schema.base import Method

__all__ = ["METHODS", "SUBSCRIBE", "Method"]


class _Table(Mapping[str, Method]):
    """All parts as one; those that are not needed are not loaded."""

    def __init__(self) -> None:
        self._found: dict[str, Method] = {}
        self._parts = schema.parts()  # those that nobody needed yet

    def __getitem__(self, name: str) -> Method:
        while name not in self._found and self._load():
            pass
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        while self._load():
            pass
        return iter(self._found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self) -> bool:
        part = next(self._parts, None)
        self._found |= getattr(part, "METHODS", {})
        return part is not None


METHODS: Final[Mapping[str, Method]] = _Table()

SUBSCRIBE: Final = "events.subscribe"
"""Answered by the server itself: Since -> Done, then `event` notifications without end."""
