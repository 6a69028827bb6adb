"""The mailbox's SQLite file: encrypted and durable like every store, and apart from all else."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from p2pchat.store.database import Database

_MIGRATIONS: Final = files("p2pchat.store") / "holding" / "sqlite"
_CACHE_KIB: Final = 1024  # of each connection: parcels are read once, and look-ups need few pages


def open_holding(path: Path, key: bytes) -> Database:
    """The mailbox at `path`, made if there is none, under the 32 bytes of `key`. Raises StoreError."""
    if not path.exists():
        Database.create(path, key, migrations=_MIGRATIONS).close()
    return Database.open(path, key, migrations=_MIGRATIONS, cache_kib=_CACHE_KIB)
