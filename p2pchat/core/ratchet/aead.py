"""XChaCha20-Poly1305 with a drawn nonce in front, by libsodium.

As `nacl.secret.Aead`, whose objects and checks cost half as much again as the cipher itself.
"""

from __future__ import annotations

from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.utils import random

NONCE_SIZE: Final = 24


def seal(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """`plaintext` under the 32-byte `key`, bound to `associated`."""
    nonce = random(NONCE_SIZE)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, associated, nonce, key)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What `seal` took.

    Raises:
        CryptoError, ValueError: `sealed` is too short, was changed, or belongs to another key or
            `associated`.
    """
    if len(sealed) < NONCE_SIZE:
        raise ValueError("shorter than a nonce")
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
        sealed[NONCE_SIZE:], associated, sealed[:NONCE_SIZE], key
    )
