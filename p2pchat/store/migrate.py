"""Bringing a store to the present schema: numbered SQL files, each applied once, forward only.

`0001_first.sql` makes version 1 out of nothing, `0002_...sql` version 2 out of version 1. The version
stands in `PRAGMA user_version` and changes in the same transaction as the tables, so a store is
always exactly at one version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import apsw

from p2pchat.errors import StoreError

MIGRATIONS: Final[Traversable] = files("p2pchat.store") / "migrations"
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """The step from `version` - 1 to `version`."""

    version: int
    sql: str


def load(folder: Traversable) -> list[Migration]:
    """The migrations in `folder` in order; file names that are no migration, gaps and doubles are bugs."""
    found = []
    for file in folder.iterdir():
        if file.name.endswith(".sql"):
            match = _NAME.fullmatch(file.name)
            assert match, f"{file.name} is not named like 0001_what_it_does.sql"
            found.append(Migration(int(match[1]), file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    versions = [migration.version for migration in found]
    assert versions == list(range(1, len(found) + 1)), f"migrations are numbered {versions}"
    return found


def version_of(connection: apsw.Connection) -> int:
    """The version of an open store; 0 has no tables yet."""
    version: int = connection.pragma("user_version")
    return version


def migrate(connection: apsw.Connection, migrations: Sequence[Migration], path: Path) -> None:
    """Apply what the store at `path` lacks of `migrations`, one transaction each.

    A step that fails leaves the store whole, at the version before it.

    Raises:
        StoreError: the store is of a newer version than `migrations` knows; nothing was changed.
        apsw.Error: the disk, or a mistake in a migration.
    """
    present = version_of(connection)
    if present > len(migrations):
        raise StoreError(
            f"The store {path} was written by a newer p2pchat (store version {present}, this one knows"
            f" {len(migrations)}); update p2pchat. Nothing was changed."
        )
    if present == len(migrations):
        return
    # A table can only be rebuilt with enforcement off, and the switch does nothing inside a transaction.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        for migration in migrations[present:]:
            _apply(connection, migration)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _apply(connection: apsw.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        dangling = _dangling(connection)  # of a repaired store; a step may leave them, but make no new ones
        connection.execute(migration.sql).fetchall()  # to the end, also past statements that give rows
        broken = _dangling(connection) - dangling
        assert broken <= 0, f"migration {migration.version} breaks {broken} references"
        connection.pragma("user_version", migration.version)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _dangling(connection: apsw.Connection) -> int:
    return len(connection.execute("PRAGMA foreign_key_check").fetchall())
