"""Pickles: private state as bytes under a key of the caller (XChaCha20-Poly1305).

The nonce is drawn by libsodium: 192 random bits never repeat, even when a store is rolled back to
an older copy. The kind of the state and its context are associated data, so one row of a store
cannot stand in for another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from nacl.exceptions import CryptoError

from p2pchat.core.codec import Value, decode, encode
from p2pchat.core.ratchet import aead
from p2pchat.errors import DecodeError, StoreError

T = TypeVar("T")

MAX_STATE_BYTES: Final = 1 << 20  # five sessions full of skipped keys come to about a quarter


def seal_state(key: bytes, kind: str, context: bytes, value: object) -> bytes:
    """`value` encrypted under the 32-byte `key`, as state of this `kind` and `context`."""
    return aead.seal(key, encode(value), _associated(kind, context))


def open_state(key: bytes, kind: str, context: bytes, data: bytes, build: Callable[[Value], T]) -> T:
    """What `build` makes of the value inside `data`.

    Raises:
        StoreError: `data` was changed, or sealed under another key, kind or context, or `build`
            does not understand it.
    """
    try:
        return build(decode(aead.unseal(key, data, _associated(kind, context)), limit=MAX_STATE_BYTES))
    except (CryptoError, DecodeError, ValueError) as error:  # vodozemac's PickleException is a ValueError
        raise StoreError(f"the stored {kind} is damaged or under another key") from error


def _associated(kind: str, context: bytes) -> bytes:
    return b"\0".join((b"p2pchat-ratchet-state-v1", kind.encode(), context))
