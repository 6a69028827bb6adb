"""ML-KEM-768 key pairs, their names, encapsulation and decapsulation (FIPS 203).

The library draws its own randomness. A secret key is kept as its 64-byte seed (d, z).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from p2pchat.core.codec import Value
from p2pchat.core.fields import array, blob
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import DecodeError

PUBLIC_SIZE: Final = 1184
CIPHERTEXT_SIZE: Final = 1088
SEED_SIZE: Final = 64
KEY_ID_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class KemKeyPair:
    """An ML-KEM-768 key pair; the secret half is kept as its seed."""

    seed: bytes = field(repr=False)
    public: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> KemKeyPair:
        """A fresh key pair."""
        private = MLKEM768PrivateKey.generate()
        return cls(private.private_bytes_raw(), private.public_key().public_bytes_raw())

    @property
    def key_id(self) -> bytes:
        """8 bytes that name the public key."""
        return key_id(self.public)

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The 32-byte secret in `ciphertext`.

        A ciphertext made for another key gives another secret instead of an error (implicit
        rejection): what was sealed under it then fails to open.

        Raises:
            DecodeError: `ciphertext` has the wrong size.
        """
        try:
            return MLKEM768PrivateKey.from_seed_bytes(self.seed).decapsulate(ciphertext)
        except ValueError as error:
            raise DecodeError("not an ML-KEM-768 ciphertext") from error

    def to_value(self) -> list[object]:
        """The pair as a value for `from_value`; secret. The public half saves its derivation."""
        return [self.seed, self.public]

    @classmethod
    def from_value(cls, value: Value) -> KemKeyPair:
        """The pair that `to_value` gave; raises DecodeError if it did not."""
        seed, public = array(value, 2)
        return cls(
            blob(seed, least=SEED_SIZE, most=SEED_SIZE), blob(public, least=PUBLIC_SIZE, most=PUBLIC_SIZE)
        )


def key_id(public: bytes) -> bytes:
    """8 bytes that name an ML-KEM public key; a name, no commitment: a clash only fails to open."""
    return tagged_hash("ratchet-kem-key", public)[:KEY_ID_SIZE]


def encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """A fresh 32-byte secret and the ciphertext that carries it to the holder of `public`.

    Raises:
        DecodeError: `public` is not an ML-KEM-768 key (length, or the modulus check of FIPS 203 §7.2).
    """
    try:
        return MLKEM768PublicKey.from_public_bytes(public).encapsulate()
    except ValueError as error:
        raise DecodeError("not an ML-KEM-768 public key") from error
