"""A sign of life on a terminal while something takes its time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Self

_PATIENCE_S: Final = 0.7  # what is faster needs no sign
_STEP_S: Final = 0.1
_SIGNS: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_WIDTH: Final = 24
_CLEAR: Final = "\r\x1b[K"


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr, if it is a terminal, that `what` goes on and for how long."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    # Loads what a fast command in a pipe does not need.
    from threading import Event, Thread

    done = Event()
    shower = Thread(target=_show, args=(what, done.wait), daemon=True)
    shower.start()
    try:
        yield
    finally:
        done.set()
        shower.join()


class Bar:
    """A bar on stderr, if it is a terminal, that shows how much of something has come."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Self:
        return self

    def show(self, done: int, whole: int) -> None:
        """`done` of `whole` bytes have come."""
        if self._is_shown:
            full = _WIDTH * done // max(whole, 1)
            bar = "█" * full + "░" * (_WIDTH - full)
            sys.stderr.write(f"{_CLEAR}{bar} {100 * done // max(whole, 1):3} %  {self._what}")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()


def _show(what: str, is_done: Callable[[float], bool]) -> None:
    begun = time.monotonic()
    if is_done(_PATIENCE_S):
        return
    turn = 0
    while not is_done(_STEP_S):
        turn += 1
        sign = _SIGNS[turn % len(_SIGNS)]
        sys.stderr.write(f"{_CLEAR}{sign} {what} ... {time.monotonic() - begun:.0f} s")
        sys.stderr.flush()
    sys.stderr.write(_CLEAR)
    sys.stderr.flush()
