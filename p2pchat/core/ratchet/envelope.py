"""The two forms of an envelope on the wire, and what they are bound to.

A *start* opens a session, or repeats its opening until the first answer: it names our KEM key and
carries the KEM ciphertext. A *message* belongs to a session that both sides know. Neither names the
sender. Format: docs/protocol/ratchet.md §3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.core.codec import decode, encode
from p2pchat.core.fields import array, blob, identifier, integer, items
from p2pchat.core.ids import Id
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ratchet import kem
from p2pchat.core.ratchet.parties import VERSION
from p2pchat.errors import DecodeError

MAX_PLAINTEXT_BYTES: Final = 128 * 1024
MAX_ENVELOPE_BYTES: Final = MAX_PLAINTEXT_BYTES + 4096  # headers, a KEM key, two ciphers' overhead
MAX_COUNTER: Final = 2**32  # of generations and epochs
_START, _MESSAGE = 0, 1
_FIELDS: Final = 6


class SessionId(Id):
    """16 bytes that name a session; made of its first KEM ciphertext, so they tell nothing else."""

    size = 16


@dataclass(frozen=True, slots=True)
class Start:
    """The header of an envelope that opens a session."""

    generation: int  # one above every session that the sender knew: orders sessions without a clock
    kem_key_id: bytes
    kem_ciphertext: bytes

    @property
    def session_id(self) -> SessionId:
        """The name of the session that it opens."""
        return SessionId(
            tagged_hash("ratchet-session", self.kem_key_id, self.kem_ciphertext)[: SessionId.size]
        )

    def fields(self) -> list[object]:
        """The header as the wire has it."""
        return [VERSION, _START, self.generation, self.kem_key_id, self.kem_ciphertext]


@dataclass(frozen=True, slots=True)
class Message:
    """The header of an envelope in an established session."""

    session_id: SessionId
    epoch: int  # of the outer key
    kem: bytes | None  # the initiator's offered public key, or the responder's answering ciphertext

    def fields(self) -> list[object]:
        """The header as the wire has it."""
        return [VERSION, _MESSAGE, self.session_id, self.epoch, self.kem]


Header: TypeAlias = Start | Message


@dataclass(frozen=True, slots=True)
class Envelope:
    """A header and what is sealed under it."""

    header: Header
    sealed: bytes

    def encode(self) -> bytes:
        """The canonical bytes."""
        return encode([*self.header.fields(), self.sealed])

    @classmethod
    def decode(cls, data: bytes) -> Envelope:
        """The envelope that `data` encodes.

        Raises:
            DecodeError: `data` is too long, not canonical, of another version, or a field has the
                wrong type or size.
        """
        value = items(decode(data, limit=MAX_ENVELOPE_BYTES), most=_FIELDS)
        version, kind, first, second, third, sealed = array(value, _FIELDS)
        integer(version, low=VERSION, high=VERSION + 1)
        header: Header
        if integer(kind, high=2) == _START:
            header = Start(
                integer(first, high=MAX_COUNTER),
                blob(second, least=kem.KEY_ID_SIZE, most=kem.KEY_ID_SIZE),
                blob(third, least=kem.CIPHERTEXT_SIZE, most=kem.CIPHERTEXT_SIZE),
            )
        else:
            header = Message(
                identifier(first, SessionId),
                integer(second, high=MAX_COUNTER),
                None if third is None else blob(third, most=kem.PUBLIC_SIZE),
            )
            if third is not None and len(header.kem or b"") not in (kem.PUBLIC_SIZE, kem.CIPHERTEXT_SIZE):
                raise DecodeError("neither a KEM key nor a KEM ciphertext")
        return cls(header, blob(sealed, most=MAX_ENVELOPE_BYTES))


def associated_data(header: Header, binding: bytes) -> bytes:
    """What the outer cipher authenticates beside the ciphertext: all of the header, and the parties."""
    return encode([*header.fields(), binding])


def context(associated: bytes) -> bytes:
    """32 bytes that open every Olm plaintext, so that Olm too vouches for the associated data.

    The outer layer rests on ML-KEM, the inner on X25519. Whoever breaks or steals the one must not
    be able to move the other's ciphertext under a different header or to different parties.
    """
    return tagged_hash("ratchet-context", associated)
