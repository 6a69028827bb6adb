"""Files that a person names: new ones never replace anything, and none is read without a bound."""

from __future__ import annotations

from pathlib import Path

from p2pchat.errors import StoreError, UsageError


def make_folder(folder: Path) -> None:
    """Have that folder. Raises StoreError."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made: {error.strerror}.") from error


def check_free(file: Path) -> None:
    """Return if nothing lies there yet. Raises UsageError."""
    if file.exists():
        raise UsageError(f"The file {file} is there already; nothing was changed.")


def write_new(file: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        UsageError: it is.
        StoreError: the disk refuses.
    """
    try:
        with file.open("xb") as out:
            out.write(data)
    except FileExistsError as error:
        raise UsageError(f"The file {file} is there already; nothing was changed.") from error
    except OSError as error:
        raise StoreError(f"The file {file} cannot be written: {error.strerror}.") from error


def read_whole(file: Path, most: int, what: str) -> bytes:
    """What the file holds, at most `most` bytes.

    Raises:
        UsageError: it is larger, and so is not `what` it is taken for.
        StoreError: it cannot be read.
    """
    try:
        with file.open("rb") as source:
            data = source.read(most + 1)
    except OSError as error:
        raise StoreError(f"The file {file} cannot be read: {error.strerror}.") from error
    if len(data) > most:
        raise UsageError(f"The file {file} is too large for {what}.")
    return data
