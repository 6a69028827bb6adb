"""The format of a backup file, and the part of it that proves and opens the rest.

    backup  = database ‖ sealed ‖ length of sealed (2 bytes) ‖ "p2pchat backup\\0" ‖ version (1 byte)
    sealed  = nonce (24 bytes) ‖ XChaCha20-Poly1305(CBOR {key, size, digest, version, created})

The database is an encrypted SQLite file under a key that was drawn for this backup alone and that only
the sealed part holds. The digest (SHA-256) ties all its bytes together, so whoever keeps the file can
neither read it, nor mix two backups, nor cut one short unseen. What describes the file stands at its
end, so that it is written once, front to back.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError
from nacl.utils import random

from p2pchat.core import codec, fields
from p2pchat.errors import DecodeError, StoreError
from p2pchat.store.sqlite import KEY_SIZE

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
class Sealed:
    """What only the holder of the backup's key can read or write."""

    description: Description
    key: bytes
    digest: bytes


def digest_of(file: BinaryIO, size: int, copy: BinaryIO | None = None) -> bytes:
    """SHA-256 of the next `size` bytes of `file`, which go into `copy` on the way."""
    state = hashlib.sha256()
    while size and (chunk := file.read(min(size, _CHUNK))):
        state.update(chunk)
        size -= len(chunk)
        if copy:
            copy.write(chunk)
    return state.digest()


def seal(sealed: Sealed, key: bytes) -> bytes:
    """What follows the database in a backup that 32 bytes of `key` open."""
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


def unseal(file: BinaryIO, path: Path, key: bytes) -> Sealed:
    """What the end of `file` says, which was opened from `path`; the database has not been looked at yet.

    Raises:
        StoreError: it is no backup, of a newer version, damaged or cut short, or `key` is not its key.
    """
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
        return _read(crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, _END, nonce, key))
    except (CryptoError, ValueError, TypeError, DecodeError, KeyError) as error:
        # nacl checks lengths by several means
        raise StoreError(f"The backup {path} does not open with this key, or is damaged.") from error


def _read(body: bytes) -> Sealed:
    found = fields.mapping(codec.decode(body))
    description = Description(
        fields.integer(found["size"], high=_MOST_DATABASE),
        fields.integer(found["created"]),
        fields.integer(found["version"]),
    )
    key = fields.blob(found["key"], least=KEY_SIZE, most=KEY_SIZE)
    return Sealed(description, key, fields.blob(found["digest"], least=32, most=32))
