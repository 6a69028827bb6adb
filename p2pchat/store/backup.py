"""A whole store in one file that can lie anywhere: written at one moment, sealed, and proved whole.

    backup  = database ‖ sealed ‖ length of sealed (2 bytes) ‖ "p2pchat backup\\0" ‖ version (1 byte)
    sealed  = nonce (24 bytes) ‖ XChaCha20-Poly1305(CBOR {key, size, digest, version, created_ms})

The database is an encrypted SQLite file under a key that was drawn for this backup alone and that only
the sealed part holds. The digest (SHA-256) ties all its bytes together, so whoever keeps the file can
neither read it nor mix two backups nor cut one short unseen. What describes the file stands at its
end, so that it is written once, front to back.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import BinaryIO, Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError
from nacl.utils import random

from p2pchat.core import codec, fields
from p2pchat.errors import StoreError
from p2pchat.store.database import Database
from p2pchat.store.files import discard, publish
from p2pchat.store.fresh import copy_all
from p2pchat.store.migrate import MIGRATIONS, version_of
from p2pchat.store.sqlite import KEY_SIZE, connect, failures
from p2pchat.store.transaction import Change

_MAGIC: Final = b"p2pchat backup\0"
_END: Final = _MAGIC + b"\x01"  # the version
_NONCE_SIZE: Final = 24
_LENGTH_SIZE: Final = 2
_TAIL: Final = 1024  # bytes from the end in which the sealed part lies
_MOST_DATABASE: Final = 1 << 48
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Description:
    """What the sealed part says of a backup."""

    size_bytes: int
    created_ms: int
    store_version: int


@dataclass(frozen=True, slots=True)
class _Sealed:
    description: Description
    key: bytes
    digest: bytes


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
            digest = _digest(file, size)
            description = Description(size, created_ms, version)
            file.write(_seal(_Sealed(description, once, digest), key))
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


def _verified(file: BinaryIO, path: Path, key: bytes, copy: BinaryIO | None) -> _Sealed:
    """What the backup says of itself, if that is true; its database goes into `copy`."""
    sealed = _unseal(file, path, key)
    file.seek(0)
    if _digest(file, sealed.description.size_bytes, copy) != sealed.digest:
        raise StoreError(f"The backup {path} is damaged.")
    return sealed


def _digest(file: BinaryIO, size: int, copy: BinaryIO | None = None) -> bytes:
    """SHA-256 of the next `size` bytes of `file`, which go into `copy` on the way."""
    state = hashlib.sha256()
    while size and (chunk := file.read(min(size, _CHUNK))):
        state.update(chunk)
        size -= len(chunk)
        if copy:
            copy.write(chunk)
    return state.digest()


def _seal(sealed: _Sealed, key: bytes) -> bytes:
    description = sealed.description
    body = codec.encode(
        {
            "key": sealed.key,
            "digest": sealed.digest,
            "size": description.size_bytes,
            "created": description.created_ms,
            "version": description.store_version,
        }
    )
    nonce = random(_NONCE_SIZE)
    box = nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(body, _END, nonce, key)
    return box + len(box).to_bytes(_LENGTH_SIZE) + _END


def _unseal(file: BinaryIO, path: Path, key: bytes) -> _Sealed:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    box_and_length, end = tail[: -len(_END)], tail[-len(_END) :]
    if end[:-1] != _MAGIC:
        raise StoreError(f"{path} is not a p2pchat backup, or was cut short.")
    if end != _END:
        raise StoreError(f"The backup {path} was made by a newer p2pchat; update p2pchat.")
    length = int.from_bytes(box_and_length[-_LENGTH_SIZE:])
    box = box_and_length[:-_LENGTH_SIZE][-length:]
    nonce, ciphertext = box[:_NONCE_SIZE], box[_NONCE_SIZE:]
    try:
        opened = crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, _END, nonce, key)
    except (CryptoError, ValueError, TypeError) as error:  # nacl checks lengths by several means
        raise StoreError(f"The backup {path} does not open with this key, or is damaged.") from error
    body = fields.mapping(codec.decode(opened))
    description = Description(
        fields.integer(body["size"], high=_MOST_DATABASE),
        fields.integer(body["created"]),
        fields.integer(body["version"]),
    )
    return _Sealed(
        description,
        fields.blob(body["key"], least=KEY_SIZE, most=KEY_SIZE),
        fields.blob(body["digest"], least=32, most=32),
    )
