"""A whole store in one file that can lie anywhere: written at one moment, sealed, and proved whole.

The format is in `sealing`. Every file is made under another name and gets its own when it is finished,
so a crash leaves no half backup and no half store.
"""

from __future__ import annotations

import os
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO

from nacl.utils import random

from p2pchat.errors import StoreError
from p2pchat.files import discard, publish
from p2pchat.store.database import Database
from p2pchat.store.fresh import copy_all
from p2pchat.store.migrate import MIGRATIONS, version_of
from p2pchat.store.sealing import Description, Sealed, digest_of, seal, unseal
from p2pchat.store.sqlite import KEY_SIZE, connect, failures
from p2pchat.store.transaction import Change


def create(database: Database, path: Path, key: bytes, *, created_ms: int) -> Description:
    """Write all that `database` has committed to a new backup at `path`, sealed under 32 bytes of `key`.

    Changes go on meanwhile and are not in it. A crash leaves no file at `path`; when this returns, the
    backup is on the disk.

    Raises:
        StoreError: something is at `path` already, the store is damaged, or the disk failed.
    """
    if path.exists():
        raise StoreError(f"There is something at {path} already; nothing was changed.")
    fresh = path.with_name(path.name + ".new")
    once = random(KEY_SIZE)
    try:
        database.copy(fresh, once)
        version = _check(fresh, once)
        with open(fresh, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            digest = digest_of(file, size)
            description = Description(size, created_ms, version)
            file.write(seal(Sealed(description, once, digest), key))
            file.flush()
            os.fsync(file.fileno())
        publish(fresh, path)
    except OSError as error:
        raise StoreError(f"The backup {path} cannot be written: {error.strerror}.") from error
    finally:
        discard(fresh)
    return description


def verify(path: Path, key: bytes) -> Description:
    """What the backup at `path` is, once all of it has been read and found to be as it was written.

    Raises:
        StoreError: it is no backup, of a newer version, damaged or cut short, or `key` is not its key.
    """
    try:
        with open(path, "rb") as file:
            return _verified(file, path, key, None).description
    except OSError as error:
        raise StoreError(f"The backup {path} cannot be read: {error.strerror}.") from error


def restore(
    path: Path,
    key: bytes,
    store: Path,
    store_key: bytes,
    *,
    adopt: Change[None],
    migrations: Traversable = MIGRATIONS,
) -> Description:
    """Make a new store at `store` under `store_key`, with all that the backup at `path` holds.

    `adopt` changes it before it appears: what must not live on in two places (a device and its chains) ends
    there, whatever crashes. Nothing is at `store` until all is done.

    Raises:
        StoreError: as `verify`; or there is a store already, or the backup is of a newer version of the
            store, or the disk failed.
        Exception: whatever `adopt` raised; nothing was restored.
    """
    if store.exists():
        raise StoreError(f"There is a store at {store} already; nothing was changed.")
    copied, fresh = (store.with_name(store.name + suffix) for suffix in (".backup", ".new"))
    try:
        discard(copied)
        with (
            open(path, "rb") as file,
            open(os.open(copied, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy,
        ):
            sealed = _verified(file, path, key, copy)
        with failures(store):
            source = connect(copied, sealed.key)
            try:
                copy_all(source, fresh, store_key)
            finally:
                source.close()
        with Database.open(fresh, store_key, migrations=migrations) as database:
            database.transact(adopt)
            database.settle()
        discard(store)  # a WAL of a store that is gone would be taken for this one's
        publish(fresh, store)
    except OSError as error:
        raise StoreError(f"The backup {path} cannot be restored to {store}: {error.strerror}.") from error
    finally:
        discard(copied)
        discard(fresh)
    return sealed.description


def _check(path: Path, key: bytes) -> int:
    """The version of the store copied to `path`, if the copy is sound."""
    with failures(path):
        connection = connect(path, key)
        try:
            if connection.pragma("integrity_check") != "ok":
                raise StoreError("The store is damaged; 'p2pchat doctor --repair' comes before a backup.")
            return version_of(connection)
        finally:
            connection.close()


def _verified(file: BinaryIO, path: Path, key: bytes, copy: BinaryIO | None) -> Sealed:
    """What the backup says of itself, if that is true; its database goes into `copy`."""
    sealed = unseal(file, path, key)
    file.seek(0)
    if digest_of(file, sealed.description.size_bytes, copy) != sealed.digest:
        raise StoreError(f"The backup {path} is damaged.")
    return sealed
