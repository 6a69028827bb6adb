"""Signing keys, signatures bound to a purpose, and tagged hashes.

Ed25519 (RFC 8032) through libsodium. Every signature and every hash names its purpose, so that
bytes signed for one thing can never be shown as another (domain separation). Key objects do not
print their secret. Seeds come from the caller: the core draws no randomness.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from nacl.bindings import (
    crypto_sign,
    crypto_sign_BYTES,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from p2pchat.errors import ProtocolError

SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = crypto_sign_BYTES
_SIGNATURE_TAG: Final = b"p2pchat-signature-v1\0"
_HASH_TAG: Final = b"p2pchat-hash-v1\0"


class SigningKey:
    """The secret half of an Ed25519 key pair."""

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_SIZE:
            raise ValueError(f"a seed has {SEED_SIZE} bytes")
        self.seed = seed
        self.public: bytes
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, purpose: str, message: bytes) -> bytes:
        """64 bytes that only this key makes, over `message` for `purpose` and no other purpose."""
        return crypto_sign(_signed(purpose, message), self._secret)[:SIGNATURE_SIZE]

    def __repr__(self) -> str:
        return f"SigningKey({self.public[:4].hex()}…)"


def verify(public: bytes, purpose: str, message: bytes, signature: bytes) -> None:
    """Return if `signature` was made by `public` over `message` for `purpose`.

    Raises:
        ProtocolError: it was not.
    """
    if len(signature) != SIGNATURE_SIZE:
        raise ProtocolError(f"bad signature over a {purpose}")
    try:
        crypto_sign_open(signature + _signed(purpose, message), public)
    except (BadSignatureError, ValueError, TypeError) as error:
        raise ProtocolError(f"bad signature over a {purpose}") from error


def tagged_hash(tag: str, *parts: bytes) -> bytes:
    """SHA-256 of `parts` under `tag`; each part is length-prefixed, so parts never run together."""
    pieces = [hash_prefix(tag)]
    for part in parts:
        pieces += (len(part).to_bytes(8, "big"), part)
    # One call on what belongs together is half the price of feeding it piece by piece.
    return hashlib.sha256(b"".join(pieces)).digest()


@lru_cache(maxsize=256)
def hash_prefix(tag: str) -> bytes:
    """What `tagged_hash` hashes before the parts, each of which follows behind its length in 8 bytes."""
    return _HASH_TAG + tag.encode() + b"\0"


def _signed(purpose: str, message: bytes) -> bytes:
    # The message is hashed first so that the cost of a signature does not depend on its length.
    return _SIGNATURE_TAG + purpose.encode() + b"\0" + hashlib.sha256(message).digest()
