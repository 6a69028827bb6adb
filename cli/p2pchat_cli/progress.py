"""A sign of life on a terminal while something takes its time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_PATIENCE_S: Final = 0.7  # what is faster needs no sign
_STEP_S: Final = 0.1
_SIGNS: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
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
