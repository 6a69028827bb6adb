"""Colour on a terminal that wants it: never in a pipe, never against NO_COLOR (https://no-color.org)."""

from __future__ import annotations

import os
import sys
from functools import cache


def bold(text: str) -> str:
    """`text` to be seen first."""
    return _styled(text, "1")


def dim(text: str) -> str:
    """`text` that matters less."""
    return _styled(text, "2")


def good(text: str) -> str:
    """`text` that says all is well."""
    return _styled(text, "32")


def bad(text: str) -> str:
    """`text` that says something is wrong."""
    return _styled(text, "31")


def accent(text: str) -> str:
    """A name."""
    return _styled(text, "36")


def _styled(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if text and _wanted() else text


@cache
def _wanted() -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
