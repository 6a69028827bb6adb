"""Long answers, one screen after the other."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final

from p2pchat_cli import output

_DEFAULT: Final = "less"
_LESS: Final = "FRX"  # less: leave if it fits on one screen, let colours through, leave the text there


def show(text: str) -> None:
    """Print `text`; on a terminal that it does not fit into, through $P2PCHAT_PAGER, else $PAGER, else less.

    An empty variable, or `cat`, means no pager.

    Raises:
        OutputError: as `output.write`.
    """
    pager = os.environ.get("P2PCHAT_PAGER", os.environ.get("PAGER", _DEFAULT))
    if not _is_long(text) or pager in ("", "cat") or not _page(pager, text):
        output.write(text)


def _is_long(text: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return text.count("\n") >= shutil.get_terminal_size().lines


def _page(pager: str, text: str) -> bool:
    """Whether a pager could be had and showed it."""
    import shlex
    import subprocess

    try:
        command = shlex.split(pager)
        process = subprocess.Popen(  # noqa: S603 -- the person's own choice
            command, stdin=subprocess.PIPE, env={"LESS": _LESS} | os.environ
        )
    except (OSError, ValueError):
        return False
    process.communicate(text.encode(errors="backslashreplace"))
    return True
