"""Pasts that were lived once: how strangers became contacts and members need not be gone through every time.

Half of the time of a small world went into that. So most small worlds begin right behind it, with what the
people's stores held when they had lived through it in a world of its own, as if the power of all had gone
at that moment. Worlds whose seeds follow each other share a past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from p2pchat.testing.conditions import Conditions
from p2pchat.testing.stores import Tables

if TYPE_CHECKING:
    from p2pchat.testing.person import Person

SHARED_BY: Final = 25  # seeds; the next as many have other people, for whom it went otherwise
ANEW: Final = 0.06  # of the worlds live through it themselves
_MOST_KEPT: Final = 8

Live: TypeAlias = Callable[..., Awaitable[list["Person"]]]
"""Makes people in an empty world that it is given, with what else it is given; they are there at its end."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was lived, and under what conditions."""

    live: Live
    args: tuple[Any, ...]
    conditions: Conditions
    seed: int


@dataclass(frozen=True, slots=True)
class Left:
    """What has come of a past."""

    stores: dict[str, Tables]
    lasted_s: float
    sent: Counter[str]
    frames: Counter[str]


class UnlivedError(Exception):
    """A world wants a past that nobody has lived yet."""

    def __init__(self, past: Past) -> None:
        super().__init__(f"{past} has not been lived")
        self.past = past


_lived: Final[dict[Past, Left]] = {}


def left_of(past: Past) -> Left:
    """What has come of `past`. Raises UnlivedError."""
    if past not in _lived:
        raise UnlivedError(past)
    return _lived[past]


def keep(past: Past, left: Left) -> None:
    """Let `left_of` find this; what was kept long ago is forgotten."""
    while len(_lived) >= _MOST_KEPT:
        del _lived[next(iter(_lived))]
    _lived[past] = left
