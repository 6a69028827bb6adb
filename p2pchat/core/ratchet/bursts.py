"""What is said to a group in one go: the first message sealed alone, those behind it under one key.

Opening a Megolm message costs a reader some 50 µs, most of it the signature inside, which says nothing that
the signed log entry around it does not say as well. So messages that are sealed together share one fresh key,
the *burst key*: Megolm seals the key, XChaCha20-Poly1305 each message. Every message carries the sealed key,
so it can be opened alone, in any order, whatever became of the others. docs/protocol/ratchet.md, section 8
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nacl.exceptions import CryptoError

from p2pchat.core.codec import MAX_BYTES, decode, encode
from p2pchat.core.fields import blob, identifier, integer, items
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.ratchet import aead, megolm
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.megolm import GroupSessionId
from p2pchat.core.ratchet.sender_keys import InboundGroupSession, OutboundGroupSession
from p2pchat.errors import DecodeError

MAX_BURST: Final = 64  # messages under one key
KEY_SIZE: Final = 32
MAX_SEALED_KEY: Final = 512
_KEY: Final = b"burst key"  # what is sealed is bound to being a key, or to lying under one
_MESSAGE: Final = b"burst message"


@dataclass(frozen=True, slots=True)
class GroupBody:
    """A sealed group message as it stands in its log entry."""

    session_id: GroupSessionId
    index: int  # of the Megolm message in it
    ciphertext: bytes
    sealed_key: bytes | None = None  # a Megolm message; None if `ciphertext` is the Megolm message

    def encode(self) -> bytes:
        """The canonical bytes."""
        parts = [self.session_id, self.index, self.ciphertext]
        return encode(parts if self.sealed_key is None else [*parts, self.sealed_key])

    @classmethod
    def decode(cls, data: bytes) -> GroupBody:
        """The body that `data` encodes; raises DecodeError if it encodes none."""
        parts = items(decode(data), most=4)
        if len(parts) < 3:
            raise DecodeError("a sealed message has three or four parts")
        return cls(
            identifier(parts[0], GroupSessionId),
            integer(parts[1], high=megolm.MAX_INDEX),
            blob(parts[2], most=MAX_BYTES),
            blob(parts[3], most=MAX_SEALED_KEY) if len(parts) == 4 else None,
        )


class Burst:
    """Seals messages of one go under `session`; must end before anybody is given the session's key."""

    def __init__(self, session: OutboundGroupSession, key: bytes) -> None:
        """`key`: 32 fresh random bytes."""
        self._session = session
        self._key = key
        self._count = 0
        self._sealed_key: bytes | None = None
        self._index = 0

    def goes_on(self, session: OutboundGroupSession) -> bool:
        """Whether the next message under `session` may belong to it."""
        return self._session is session and self._count < MAX_BURST

    def seal(self, plaintext: bytes) -> GroupBody:
        """`plaintext` sealed for the group. Raises QuotaError: more than 64 KiB."""
        session, self._count = self._session, self._count + 1
        if self._count == 1:
            alone = session.seal(plaintext, b"")
            return GroupBody(alone.session_id, alone.index, alone.ciphertext)
        if self._sealed_key is None:
            sealed = session.seal(self._key, _KEY)
            self._sealed_key, self._index = sealed.ciphertext, sealed.index
        session.count_sealed(plaintext)
        bound = _bound(session.group, session.author, session.session_id)
        ciphertext = aead.seal(self._key, plaintext, bound)
        return GroupBody(session.session_id, self._index, ciphertext, self._sealed_key)


def open_key(session: InboundGroupSession, sealed_key: bytes) -> bytes:
    """The burst key in a Megolm message. Raises as `InboundGroupSession.open` does."""
    key = session.open(sealed_key, _KEY, seen=lambda index: False).plaintext
    if len(key) != KEY_SIZE:
        raise UndecryptableError(Reason.FORGED)
    return key


def open_body(
    session: InboundGroupSession,
    body: GroupBody,
    open_key: Callable[[InboundGroupSession, bytes], bytes] = open_key,
) -> bytes:
    """What a body says. `open_key` may remember keys: those of a burst have the same sealed key.

    Raises:
        ProtocolError: as `InboundGroupSession.open`.
    """
    if body.sealed_key is None:
        return session.open(body.ciphertext, b"", seen=lambda index: False).plaintext
    bound = _bound(session.group, session.author, session.session_id)
    try:
        return aead.unseal(open_key(session, body.sealed_key), body.ciphertext, bound)
    except (CryptoError, ValueError) as error:
        raise UndecryptableError(Reason.FORGED) from error


def _bound(group: GroupId, author: DeviceId, session_id: GroupSessionId) -> bytes:
    return megolm.context(group, author, session_id, _MESSAGE)
