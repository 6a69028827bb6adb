"""The passphrase that opens a store: from the environment, from a file, or typed without echo."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from p2pchat.errors import StoreError, UsageError

VARIABLE: Final = "P2PCHAT_PASSPHRASE"


def find(file: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The passphrase in `file` (its first line), else in $P2PCHAT_PASSPHRASE; None if neither is given.

    Raises:
        UsageError: the file cannot be read or is empty.
    """
    if file is None:
        return environment.get(VARIABLE) or None
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"The passphrase file {file} cannot be read: {reason}.") from error
    line = text.partition("\n")[0].rstrip("\r")
    if not line:
        raise UsageError(f"The passphrase file {file} is empty.")
    return line


def ask() -> str:
    """What the person types at the terminal.

    Raises:
        StoreError: nobody sits at a terminal.
    """
    return _prompt("Passphrase: ")


def choose() -> str:
    """A new passphrase, typed twice.

    Raises:
        UsageError: the two differ, or are empty.
        StoreError: nobody sits at a terminal.
    """
    first = _prompt("New passphrase: ")
    if not first:
        raise UsageError("An empty passphrase protects nothing; leave --passphrase out to have none.")
    if first != _prompt("Once more: "):
        raise UsageError("The two passphrases differ; nothing was changed.")
    return first


def _prompt(text: str) -> str:
    if not sys.stdin.isatty():
        raise StoreError(f"A passphrase is needed: set ${VARIABLE} or give --passphrase-file.")
    from getpass import getpass

    return getpass(text)
