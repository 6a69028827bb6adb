"""A file as sealed chunks, each of which can be checked and opened by itself.

STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance, CRYPTO 2015; as in age, https://age-encryption.org/v1) over libsodium's
XChaCha20-Poly1305: the nonce of a chunk is its number and whether it is the last. A key seals one file
only, so no nonce is used twice. Chunks cannot be reordered, left out, or cut off at the end.

Poly1305 binds nobody who has the key, and in a group everybody has it. So a message also names a hash of
the list of the hashes of all sealed chunks: what is fetched from anybody is what the author sealed.
"""

from __future__ import annotations

from typing import Final

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from p2pchat.core.ids import FileId
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import ProtocolError

KEY_SIZE: Final = 32
HASH_SIZE: Final = 32
CHUNK_SIZE: Final = 256 * 1024  # bytes of the file in each chunk but the last
TAG_SIZE: Final = 16
SEALED_SIZE: Final = CHUNK_SIZE + TAG_SIZE
MAX_SIZE: Final = 4 * 1024**3  # its list of hashes, half a megabyte, fits into a frame


def count_of(size: int) -> int:
    """How many chunks a file of `size` bytes has; an empty file has one."""
    return max(1, -(-size // CHUNK_SIZE))


def sealed_size(size: int) -> int:
    """The bytes of all sealed chunks together."""
    return size + TAG_SIZE * count_of(size)


def size_of_chunk(size: int, number: int) -> int:
    """The bytes of the sealed chunk `number`, from 0, of a file of `size` bytes."""
    return min(CHUNK_SIZE, size - number * CHUNK_SIZE) + TAG_SIZE


def seal(key: bytes, size: int, number: int, plaintext: bytes) -> bytes:
    """The sealed chunk `number` of a file of `size` bytes; `key` is drawn for this file."""
    return crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, None, _nonce(size, number), key)


def unseal(key: bytes, size: int, number: int, sealed: bytes) -> bytes:
    """What `seal` took. Raises ProtocolError if `sealed` is something else."""
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, None, _nonce(size, number), key)
    except (CryptoError, ValueError) as error:
        raise ProtocolError(f"chunk {number} does not open") from error


def hash_of(sealed: bytes) -> bytes:
    """By what a sealed chunk is known."""
    return tagged_hash("file chunk", sealed)


def root_of(size: int, hashes: bytes) -> bytes:
    """What stands for the whole: a hash over the size and the hashes of all chunks, one behind the other."""
    return tagged_hash("file chunks", size.to_bytes(8, "big"), hashes)


def file_id(key: bytes, root: bytes) -> FileId:
    """The name under which a file is asked for: who can say it has seen a message with the file."""
    return FileId(tagged_hash("file", key, root))


def check_hashes(size: int, root: bytes, hashes: bytes) -> None:
    """Return if `hashes` is the list that `root` stands for. Raises ProtocolError."""
    if len(hashes) != HASH_SIZE * count_of(size) or root_of(size, hashes) != root:
        raise ProtocolError("the hashes of the chunks are not those that the message names")


def check_chunk(size: int, hashes: bytes, number: int, sealed: bytes) -> None:
    """Return if `sealed` is the chunk that the checked list names. Raises ProtocolError."""
    at = HASH_SIZE * number
    if len(sealed) != size_of_chunk(size, number) or hash_of(sealed) != hashes[at : at + HASH_SIZE]:
        raise ProtocolError(f"chunk {number} is not the one that the message names")


def _nonce(size: int, number: int) -> bytes:
    is_last = number == count_of(size) - 1
    return bytes(15) + number.to_bytes(8, "big") + bytes([is_last])
