"""Small files that are either wholly there or not at all, whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path

from p2pchat.errors import StoreError


def write_atomically(path: Path, data: bytes) -> None:
    """Put `data` at `path`, readable by the owner alone; what stood there before stays until the last moment.

    Afterwards the bytes and the name are on the disk, not only in its cache.

    Raises:
        StoreError: the disk is full or read-only; `path` is as it was.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")  # two processes must not share a half-written file
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        publish(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreError(f"The file {path} cannot be written: {error.strerror}.") from error


def publish(fresh: Path, path: Path) -> None:
    """Rename the finished and synced file `fresh` to `path`, and make the name last."""
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def discard(path: Path) -> None:
    """Remove the database at `path` and what SQLite keeps beside it, if there is any of it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
