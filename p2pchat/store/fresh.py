"""Database files that did not exist before: made empty, or copied whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import apsw

from p2pchat.files import discard
from p2pchat.store.migrate import Migration, migrate
from p2pchat.store.sqlite import APPLICATION_ID, connect, settle


def make(path: Path, key: bytes, migrations: Sequence[Migration]) -> apsw.Connection:
    """A connection to a new store at `path`, in place of what a crash may have left there.

    Raises:
        apsw.Error, OSError: the disk.
    """
    discard(path)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # -wal and -shm take over the mode
    connection = connect(path, key)
    try:
        connection.pragma("application_id", APPLICATION_ID)
        migrate(connection, migrations, path)
    except BaseException:
        connection.close(True)
        raise
    return connection


def copy_all(source: apsw.Connection, path: Path, key: bytes) -> None:
    """Copy the whole of `source` into a new file at `path` under `key` (SQLite's backup in one step).

    Raises:
        apsw.Error, OSError: the disk.
    """
    target = make(path, key, ())
    try:
        with target.backup("main", source, "main") as backup:
            backup.step(-1)
        settle(target)
    finally:
        target.close(True)
