"""Where the store's key is kept: in a file of its own, open, under a passphrase, or in the OS keyring.

The key file is canonical CBOR, readable by its owner alone. With a passphrase, the key is sealed by
XChaCha20-Poly1305 under Argon2id (RFC 9106) of it, at libsodium's "moderate" cost: 256 MiB, half a
second. Without one, whoever can read the file can read the store; that is the choice for a node
that starts unattended. The store's key itself never changes: a thief who has both an old key file
and its old passphrase can still open the store.
"""

from __future__ import annotations

import importlib
import stat
import unicodedata
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.utils import random

from p2pchat.core import codec, fields
from p2pchat.errors import DecodeError, StoreError, UsageError
from p2pchat.files import write_atomically
from p2pchat.store.sqlite import KEY_SIZE

_VERSION: Final = 1
_NONCE_SIZE: Final = 24
_BOX_SIZE: Final = KEY_SIZE + 16
_OPERATIONS: Final = argon2id.OPSLIMIT_MODERATE
_MEMORY_BYTES: Final = argon2id.MEMLIMIT_MODERATE
_MOST_OPERATIONS: Final = 16  # a damaged file must not keep us busy for minutes
_MOST_MEMORY_BYTES: Final = 1 << 30
_MOST_BYTES: Final = 1024  # of a key file
_PURPOSE: Final = b"p2pchat-store-key-v1"
_KEYRING_SERVICE: Final = "p2pchat"


class Protection(Enum):
    """What guards the key."""

    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105
    KEYRING = "keyring"


def create(path: Path, protection: Protection, passphrase: str = "") -> bytes:
    """A new random store key of 32 bytes, kept at `path` under `protection`.

    Raises:
        UsageError: the passphrase is empty where one is needed, or given where none is.
        StoreError: something is at `path` already, the disk failed, or there is no OS keyring.
    """
    if path.exists():
        raise StoreError(f"There is a key at {path} already; nothing was changed.")
    key = random(KEY_SIZE)
    protect(path, key, protection, passphrase)
    return key


def protect(path: Path, key: bytes, protection: Protection, passphrase: str = "") -> None:
    """Keep `key` at `path` under `protection`, in place of what was kept there: this changes a passphrase.

    Raises:
        UsageError: the passphrase is empty where one is needed, or given where none is.
        StoreError: the disk failed, or there is no OS keyring; `path` is as it was.
    """
    if (protection is Protection.PASSPHRASE) != bool(passphrase):
        raise UsageError(
            "A passphrase is needed, and may not be empty."
            if not passphrase
            else "No passphrase is used here."
        )
    match protection:
        case Protection.FILE:
            body: dict[str, object] = {"key": key}
        case Protection.PASSPHRASE:
            body = _seal(key, passphrase)
        case Protection.KEYRING:
            body = {"entry": _store_in_keyring(key)}
    write_atomically(path, codec.encode({"v": _VERSION, "kind": protection.value, **body}))


def change(path: Path, old: str, protection: Protection, passphrase: str = "") -> None:
    """Guard the key kept at `path` in another way, or by another passphrase.

    Raises:
        UsageError, StoreError: as `unlock` with the `old` passphrase, and as `protect`; all is as it was.
    """
    former, body = _read(path)
    protect(path, unlock(path, old), protection, passphrase)
    if former is Protection.KEYRING:
        _forget_in_keyring(str(body.get("entry")))


def protection_of(path: Path) -> Protection:
    """What guards the key at `path`: whether to ask for a passphrase.

    Raises:
        StoreError: as `unlock`.
    """
    return _read(path)[0]


def unlock(path: Path, passphrase: str = "") -> bytes:
    """The store key kept at `path`. With a passphrase this takes half a second and 256 MiB.

    Raises:
        StoreError: there is none, others may read it, it is damaged or of a newer version, the
            passphrase is wrong, or the OS keyring does not give it.
    """
    protection, body = _read(path)
    try:
        match protection:
            case Protection.FILE:
                return fields.blob(body["key"], least=KEY_SIZE, most=KEY_SIZE)
            case Protection.PASSPHRASE:
                return _unseal(body, passphrase)
            case Protection.KEYRING:
                return _load_from_keyring(fields.text(body["entry"], least=1, most=64))
    except (DecodeError, KeyError) as error:
        raise StoreError(f"The key file {path} is damaged; restore it from a backup.") from error


def _read(path: Path) -> tuple[Protection, dict[str, codec.Value]]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise StoreError(f"There is no key at {path}; without it the store cannot be opened.") from error
    except OSError as error:
        raise StoreError(f"The key file {path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise StoreError(f"Others may read the key file {path} (mode {mode:04o}); run: chmod 600 {path}")
    try:
        body = fields.mapping(codec.decode(data, limit=_MOST_BYTES))
        version = fields.integer(body["v"])
        if version > _VERSION:
            raise StoreError(f"The key file {path} was written by a newer p2pchat; update p2pchat.")
        return Protection(fields.text(body["kind"], most=16)), body
    except (DecodeError, KeyError, ValueError) as error:
        raise StoreError(f"The key file {path} is damaged; restore it from a backup.") from error


def _seal(key: bytes, passphrase: str) -> dict[str, object]:
    salt, nonce = random(argon2id.SALTBYTES), random(_NONCE_SIZE)
    wrapping = _stretch(passphrase, salt, _OPERATIONS, _MEMORY_BYTES)
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(key, _PURPOSE, nonce, wrapping)
    return {"salt": salt, "ops": _OPERATIONS, "mem": _MEMORY_BYTES, "nonce": nonce, "box": box}


def _unseal(body: dict[str, codec.Value], passphrase: str) -> bytes:
    salt = fields.blob(body["salt"], least=argon2id.SALTBYTES, most=argon2id.SALTBYTES)
    operations = fields.integer(body["ops"], low=1, high=_MOST_OPERATIONS + 1)
    memory = fields.integer(body["mem"], low=argon2id.MEMLIMIT_MIN, high=_MOST_MEMORY_BYTES + 1)
    nonce = fields.blob(body["nonce"], least=_NONCE_SIZE, most=_NONCE_SIZE)
    box = fields.blob(body["box"], least=_BOX_SIZE, most=_BOX_SIZE)
    if not passphrase:
        raise StoreError("The store is protected by a passphrase.")
    wrapping = _stretch(passphrase, salt, operations, memory)
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(box, _PURPOSE, nonce, wrapping)
    except CryptoError as error:
        raise StoreError("The passphrase is wrong.") from error


def _stretch(passphrase: str, salt: bytes, operations: int, memory: int) -> bytes:
    # Keyboards differ in how they compose accents; NFKC makes one passphrase of what looks the same.
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    return argon2id.kdf(KEY_SIZE, secret, salt, opslimit=operations, memlimit=memory)


def _keyring() -> Any:
    try:
        return importlib.import_module("keyring")
    except ImportError as error:
        raise StoreError(
            "The OS keyring needs the Python package 'keyring', which is not installed."
        ) from error


def _store_in_keyring(key: bytes) -> str:
    entry = random(8).hex()
    keyring = _keyring()
    try:
        keyring.set_password(_KEYRING_SERVICE, entry, key.hex())
    except keyring.errors.KeyringError as error:
        raise StoreError(f"The OS keyring did not take the key: {error}.") from error
    return entry


def _forget_in_keyring(entry: str) -> None:
    keyring = _keyring()
    with suppress(keyring.errors.KeyringError):  # it guards nothing any more, wherever it stays
        keyring.delete_password(_KEYRING_SERVICE, entry)


def _load_from_keyring(entry: str) -> bytes:
    keyring = _keyring()
    try:
        secret = keyring.get_password(_KEYRING_SERVICE, entry)
    except keyring.errors.KeyringError as error:
        raise StoreError(f"The OS keyring did not give the key: {error}.") from error
    if secret is None:
        raise StoreError("The OS keyring holds no key for this store.")
    try:
        return fields.blob(bytes.fromhex(secret), least=KEY_SIZE, most=KEY_SIZE)
    except ValueError as error:
        raise StoreError("The OS keyring holds something that is no store key.") from error
