"""What may stand beside an amount: options of `pay` and `request`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from p2pchat.errors import StoreError, UsageError

DueOption = Annotated[
    str | None, typer.Option("--due", metavar="DAY", help="When it is due, such as 2026-12-24.")
]
CategoryOption = Annotated[
    str | None,
    typer.Option("--category", metavar="WORD", help="Such as food; the same as #food in the note."),
]
AttachOption = Annotated[
    list[Path] | None,
    typer.Option("--attach", metavar="FILE", help="Sign the hash of a file, such as the bill."),
]
IntoOption = Annotated[
    str | None, typer.Option("--in", metavar="UNIT", help="The unit that counts, if the amount is foreign.")
]
RateOption = Annotated[
    str | None, typer.Option("--rate", metavar="RATE", help="What one of the amount's unit is worth in it.")
]


def with_category(note: str, category: str | None) -> str:
    """`note` with its category as a hashtag.

    Raises:
        UsageError: the category is not one word.
    """
    if category is None:
        return note
    word = category.removeprefix("#")
    if not word.isidentifier():
        raise UsageError(f"'{category}' is no category: give one word, such as food.")
    return f"{note} #{word}".strip()


def entry_terms(
    due: str | None, into: str | None, rate: str | None, attach: list[Path] | None
) -> dict[str, Any]:
    """What was said beside the amount, as parameters of the methods that make an entry.

    Raises:
        StoreError: a file cannot be read.
    """
    return {"due": due, "zone": local_zone(), "into": into, "rate": rate, "files": _digests(attach)}


def _digests(files: Iterable[Path] | None) -> dict[str, str]:
    """The SHA-256 of each file in hex, by its name."""
    found = {}
    for file in files or ():
        try:
            with file.open("rb") as opened:
                found[file.name] = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise StoreError(f"The file {file} cannot be read: {error.strerror}.") from error
    return found


def local_zone() -> str:
    """The IANA name of this machine's time zone; UTC where it does not say."""
    target = Path("/etc/localtime").resolve().as_posix()
    _before, found, name = target.partition("/zoneinfo/")
    return name if found and time.timezone | time.daylight else "UTC"
