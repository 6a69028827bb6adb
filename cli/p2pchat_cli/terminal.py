"""A terminal on which one thread reads lines while another shows some."""

from __future__ import annotations

import readline
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Final

from p2pchat.errors import P2PChatError
from p2pchat_cli.text import width

_PROMPT: Final = "> "
_CLEAR_BELOW: Final = "\r\x1b[J"


class Terminal:
    """Standard input and output of a person who types."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._reading = False

    def read(self) -> str | None:
        """The next line that the person types; None when they have had enough (^D, ^C)."""
        self._reading = True
        try:
            return input(_PROMPT)
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return None
        finally:
            self._reading = False

    def remember(self, lines: Iterable[str]) -> None:
        """Have these at hand with the up key. Nothing of it is written to a disk: messages are private."""
        readline.clear_history()
        for line in lines:
            readline.add_history(line.partition("\n")[0])

    def complete(self, completions: Callable[[str], list[str]]) -> None:
        """Have the tab key complete the last word of a line."""

        found: list[str] = []

        def answer(word: str, number: int) -> str | None:
            if number == 0:
                try:
                    found[:] = completions(readline.get_line_buffer()[: readline.get_endidx()])
                except P2PChatError:
                    found.clear()  # the node is gone, or busy: no completion now
            return found[number] if number < len(found) else None

        readline.set_completer(answer)
        readline.set_completer_delims(" ")
        readline.parse_and_bind("tab: complete")

    def show(self, lines: Sequence[str]) -> None:
        """Print lines above what is being typed."""
        with self._lock:
            if not self._reading:
                sys.stdout.write("".join(f"{line}\n" for line in lines))
            else:
                typed = _PROMPT + readline.get_line_buffer()
                sys.stdout.write(_up(typed) + _CLEAR_BELOW + "".join(f"{line}\n" for line in lines) + typed)
            sys.stdout.flush()


def _up(typed: str) -> str:
    """To the row where a typed line begins, which may be wrapped."""
    rows = max(width(typed) - 1, 0) // max(shutil.get_terminal_size().columns, 1)
    return f"\x1b[{rows}A" if rows else ""
