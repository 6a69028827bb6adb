"""Entries of a group's log as those carry them who need not know what they are: gossip, and files.

Sealed under the group's secret (XChaCha20-Poly1305), so that others learn only size and time. Entries in it
are signed and their bodies sealed besides: members trust no carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from p2pchat.core import fields
from p2pchat.core.codec import MAX_BYTES, decode, encode
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import ProtocolError

NONCE_SIZE: Final = 24
MAX_PAYLOAD: Final = MAX_BYTES
_ROOM: Final = MAX_PAYLOAD - 256  # for entries


def veil(secret: bytes, raw_entries: Sequence[bytes], nonce: bytes) -> bytes:
    """A payload that holds entries, for holders of the group's secret."""
    plain = encode([1, list(raw_entries)])
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(plain, None, nonce, _payload_key(secret))


def unveil(secret: bytes, payload: bytes) -> list[bytes]:
    """The entries in a payload, not yet checked.

    Raises:
        ProtocolError: it was not made by a holder of the secret, or is malformed.
    """
    nonce, sealed = payload[:NONCE_SIZE], payload[NONCE_SIZE:]
    try:
        plain = crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, None, nonce, _payload_key(secret))
    except (CryptoError, ValueError, TypeError) as error:
        raise ProtocolError("a payload of somebody who is not a member") from error
    version, entries = fields.array(decode(plain), 2)
    fields.integer(version, low=1, high=2)
    return [fields.blob(raw, most=MAX_PAYLOAD) for raw in fields.items(entries, most=1024)]


def _payload_key(secret: bytes) -> bytes:
    return tagged_hash("gossip payload", secret)


def batches(raw_entries: Sequence[bytes]) -> list[list[bytes]]:
    """`raw_entries` cut into payloads; one that is too large for any is left out."""
    batches: list[list[bytes]] = [[]]
    room = _ROOM
    for raw in raw_entries:
        if len(raw) > _ROOM:
            continue
        if len(raw) > room:
            batches.append([])
            room = _ROOM
        batches[-1].append(raw)
        room -= len(raw) + 5
    return [batch for batch in batches if batch]
