"""The key of a Megolm session as a value, and Megolm's names and keys as bytes.

Megolm, https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from p2pchat.core.codec import decode, encode
from p2pchat.core.fields import array, blob, identifier, integer
from p2pchat.core.ids import DeviceId, GroupId, Id
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ratchet.parties import VERSION

MAX_INDEX: Final = 2**32
MAX_SENDER_KEY_BYTES: Final = 512
EXPORTED_KEY_SIZE: Final = 165  # version, index, four ratchet parts of 32 bytes, Ed25519 key


class GroupSessionId(Id):
    """A sender key's name: the Ed25519 public key that signs its messages."""


@dataclass(frozen=True, slots=True)
class SenderKey:
    """What a member needs to read a session from `index` on; secret, travels in pairwise envelopes."""

    group: GroupId
    author: DeviceId
    session_id: GroupSessionId
    index: int
    exported: bytes

    def encode(self) -> bytes:
        """The canonical bytes."""
        return encode([VERSION, self.group, self.author, self.session_id, self.index, self.exported])

    @classmethod
    def decode(cls, data: bytes) -> SenderKey:
        """The sender key that `data` encodes; raises DecodeError if it encodes none."""
        version, group, author, session_id, index, exported = array(
            decode(data, limit=MAX_SENDER_KEY_BYTES), 6
        )
        integer(version, low=VERSION, high=VERSION + 1)
        return cls(
            identifier(group, GroupId),
            identifier(author, DeviceId),
            identifier(session_id, GroupSessionId),
            integer(index, high=MAX_INDEX),
            blob(exported, least=EXPORTED_KEY_SIZE, most=EXPORTED_KEY_SIZE),
        )

    def __repr__(self) -> str:
        return f"SenderKey({self.session_id.short}… from {self.index})"


def context(group: GroupId, author: DeviceId, session: GroupSessionId, associated: bytes) -> bytes:
    """32 bytes that open every plaintext of a session: Megolm's missing associated data."""
    return tagged_hash("ratchet-group", bytes([VERSION]), group, author, session, associated)


def session_id(name: str) -> GroupSessionId:
    """The id that vodozemac writes as `name`."""
    return GroupSessionId(from_base64(name))


def from_base64(unpadded: str) -> bytes:
    """The bytes that vodozemac writes as base64 without padding."""
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4))


def to_base64(raw: bytes) -> str:
    """Base64 without padding, as vodozemac reads it."""
    return base64.b64encode(raw).decode().rstrip("=")
