"""Standard output and standard error, whatever they are connected to."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from p2pchat.errors import StoreError


class OutputError(StoreError):
    """Standard output takes no more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"The output cannot be written: {error.strerror}.")
        self.reader_left = isinstance(error, BrokenPipeError)


def prepare() -> None:
    """Make both streams take any text, also where they are closed or speak no UTF-8."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def write(text: str) -> None:
    """Print `text` at once.

    Raises:
        OutputError: the disk is full, or whoever read us has seen enough.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise OutputError(error) from error


def write_bytes(data: bytes) -> None:
    """The same for bytes that are text for a program.

    Raises:
        OutputError: as `write`.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(error) from error


def discard() -> None:
    """Throw away what could not be written, so that Python does not try again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def finish() -> None:
    """Have out what may still be in a buffer; what cannot be written any more was told before, or is lost."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
