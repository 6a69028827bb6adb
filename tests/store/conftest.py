"""A small schema of our own, so that these tests speak of the mechanism and not of the messenger;
and a disk that fails on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pchat.store.database import Database
from p2pchat.testing.disk import Disk, the_disk

KEY = bytes(range(32))

FIRST = """
CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  author INTEGER NOT NULL REFERENCES author DEFERRABLE INITIALLY DEFERRED,
  body TEXT NOT NULL
) STRICT;
"""


@pytest.fixture
def key() -> bytes:
    return KEY


@pytest.fixture
def migrations_text() -> str:
    return FIRST


@pytest.fixture
def migrations(tmp_path: Path, migrations_text: str) -> Path:
    """A folder with one migration; tests add more."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text(migrations_text)
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def database(path: Path, key: bytes, migrations: Path) -> Iterator[Database]:
    with Database.create(path, key, migrations=migrations) as database:
        yield database


@pytest.fixture
def disk() -> Disk:
    return the_disk()
