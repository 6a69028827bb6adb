"""The outer layer of what lies in a mailbox: whoever keeps it sees neither the sender nor the true size.

A parcel is HPKE (RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305) to
the mailbox key on the recipient's card, over the sender's certificate and an envelope of the ratchet. The
plaintext is padded to one of a few sizes (ISO/IEC 7816-4, as libsodium pads). Base mode names no sender;
who wrote it is proved by the envelope inside, and by nothing out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NewType, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from nacl.bindings import sodium_pad, sodium_unpad

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.direct.frames import MAX_SEALED
from p2pchat.core.identity import MAX_CERTIFICATE
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import DecodeError, ProtocolError

SIZES: Final = (1024, 4096, 16 * 1024, 64 * 1024, 192 * 1024)  # bytes that a parcel may have
KEY_SIZE: Final = 32
_OVERHEAD: Final = 32 + 16  # HPKE's encapsulated key and Poly1305's tag

_VERSION: Final = 1
_INFO: Final = b"p2pchat-mailbox-parcel-v1"
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

ParcelId = NewType("ParcelId", bytes)


def parcel_id(sealed: bytes) -> ParcelId:
    """The hash by which a parcel is acknowledged, and recognised when it is deposited again."""
    return ParcelId(tagged_hash("mailbox parcel", sealed))


@dataclass(frozen=True, slots=True)
class Parcel:
    """What the recipient finds inside."""

    certificate: bytes  # of the sender's device; not yet checked
    envelope: bytes  # of the ratchet
    wants_receipt: bool  # false if it holds nothing but receipts: those would go on for ever

    def seal(self, key: bytes) -> bytes:
        """The parcel for the device whose mailbox key is `key`; different bytes every time."""
        assert len(self.envelope) <= MAX_SEALED
        plain = encode([_VERSION, self.certificate, self.envelope, self.wants_receipt])
        size = next(size for size in SIZES if len(plain) + _OVERHEAD < size)  # padding takes a byte or more
        padded = sodium_pad(plain, size - _OVERHEAD)
        return _SUITE.encrypt(padded, X25519PublicKey.from_public_bytes(key), _INFO)

    @classmethod
    def open(cls, secret: MailboxSecret, sealed: bytes) -> Self:
        """The parcel in `sealed`.

        Raises:
            ProtocolError: it was not sealed for this key, or was changed, or is malformed.
        """
        if len(sealed) not in SIZES:
            raise DecodeError("a parcel of a size that none has")
        try:
            padded = _SUITE.decrypt(sealed, secret.private, _INFO)
            plain = sodium_unpad(padded, len(padded))
        except (InvalidTag, ValueError) as error:
            raise ProtocolError("a parcel that does not open") from error
        except Exception as error:  # libsodium's bindings raise their own for wrong padding
            raise DecodeError("a parcel without padding") from error
        version, certificate, envelope, wants = fields.array(decode(plain, limit=SIZES[-1]), 4)
        if fields.integer(version) != _VERSION:
            raise DecodeError("unknown parcel version")
        return cls(
            fields.blob(certificate, most=MAX_CERTIFICATE),
            fields.blob(envelope, least=1, most=MAX_SEALED),
            fields.boolean(wants),
        )


class MailboxSecret:
    """The secret half of a device's mailbox key."""

    __slots__ = ("private", "public")

    def __init__(self, seed: bytes) -> None:
        """The key that `seed` (32 bytes, drawn for nothing else) stands for."""
        self.private = X25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self.private.public_key().public_bytes_raw()

    def shared(self, public: bytes) -> bytes:
        """What this key and another have in common and nobody else computes (X25519, RFC 7748).

        Raises:
            ProtocolError: the other key is of low order.
        """
        try:
            return self.private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise ProtocolError("a mailbox key of low order") from error

    def __repr__(self) -> str:
        return f"MailboxSecret({self.public[:4].hex()}…)"
