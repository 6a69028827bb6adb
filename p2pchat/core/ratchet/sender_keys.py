"""Group encryption by sender keys: one Megolm session per author device, shared over pairwise sessions.

Megolm, https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/megolm.md. It has no associated
data; every plaintext begins with a hash of group, author device, session and the caller's own
associated data, which the session's Ed25519 signature then covers, so a member cannot show a
message under another group or author. Whoever holds a key from index i reads everything from i on:
there is no recovery inside a session, hence `should_rotate`.

That a message comes from its author's device is shown by the log entry around it, which the device
signs; a sender key alone proves nothing, because members pass keys on to each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import vodozemac

from p2pchat.core.codec import MAX_BYTES, Value
from p2pchat.core.fields import array, blob, identifier, integer, items, text
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.ratchet import megolm
from p2pchat.core.ratchet.errors import Reason, ReplayError, UndecryptableError
from p2pchat.core.ratchet.megolm import GroupSessionId, SenderKey
from p2pchat.core.ratchet.pickled import PICKLE_KEY
from p2pchat.core.ratchet.sealed_state import open_state, seal_state
from p2pchat.errors import DecodeError, NotAllowedError, QuotaError

MAX_MESSAGES: Final = 500  # under one sender key: what one stolen key can show at most, ahead
MAX_AGE_MS: Final = 7 * 86_400_000
_VIEW_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed group message. `ciphertext` names its index too; `session_id` must travel beside it."""

    session_id: GroupSessionId
    index: int
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class GroupPlaintext:
    """An opened group message; (session id, index) is unique and must be stored as seen with it."""

    index: int
    plaintext: bytes = field(repr=False)


class OutboundGroupSession:
    """Our sender key for one membership view of one group."""

    def __init__(
        self,
        group: GroupId,
        author: DeviceId,
        view: bytes,
        created_ms: int,
        session: vodozemac.GroupSession,
        sealed: int = 0,
    ) -> None:
        self.group = group
        self.author = author
        self.view = view
        self.created_ms = created_ms
        self.sealed = sealed  # messages, by Megolm or under a key that it sealed (bursts.py)
        self._session = session
        self.session_id = megolm.session_id(session.session_id)

    @classmethod
    def create(cls, group: GroupId, author: DeviceId, view: bytes, now_ms: int) -> OutboundGroupSession:
        """A fresh session under a `view`: 32 bytes that change whenever someone must no longer read.

        A hash of the removed members and devices does; whoever only joined gets `sender_key()`.
        """
        return cls(group, author, view, now_ms, vodozemac.GroupSession())

    @property
    def count(self) -> int:
        """The index of the next Megolm message."""
        return self._session.message_index

    def should_rotate(
        self, view: bytes, now_ms: int, *, max_messages: int = MAX_MESSAGES, max_age_ms: int = MAX_AGE_MS
    ) -> bool:
        """True if the next message needs a fresh session.

        It does when `view` is no longer that of this session, after `max_messages`, or after
        `max_age_ms`.
        """
        return (
            view != self.view or self.sealed >= max_messages or not 0 <= now_ms - self.created_ms < max_age_ms
        )

    def seal(self, plaintext: bytes, associated: bytes) -> Sealed:
        """`plaintext` sealed for the group, bound to `associated` (not sent; the reader must know it).

        Raises:
            QuotaError: more than 64 KiB.
        """
        self.count_sealed(plaintext)
        index = self._session.message_index
        bound = megolm.context(self.group, self.author, self.session_id, associated) + plaintext
        return Sealed(self.session_id, index, self._session.encrypt(bound).to_bytes())

    def count_sealed(self, plaintext: bytes) -> None:
        """Count a message under this session. Raises QuotaError: it has more than 64 KiB."""
        if len(plaintext) > MAX_BYTES:
            raise QuotaError(f"a group message holds at most {MAX_BYTES} bytes")
        self.sealed += 1

    def sender_key(self) -> SenderKey:
        """The key from the next message on: for those who may not read what came before."""
        return self.inbound().sender_key(self.count)

    def inbound(self) -> InboundGroupSession:
        """The reading half, from the next message on.

        Take it before the first message and keep it, if members are to be given the session from an
        earlier index later (a history policy): this half cannot go back.
        """
        session = vodozemac.InboundGroupSession(self._session.session_key)
        return InboundGroupSession(self.group, self.author, session)

    def to_bytes(self, key: bytes) -> bytes:
        """The session sealed under the 32-byte `key`."""
        pickle = self._session.pickle(PICKLE_KEY)
        value = [self.group, self.author, self.view, self.created_ms, pickle, self.sealed]
        return seal_state(key, "outbound group session", b"", value)

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes) -> OutboundGroupSession:
        """The session that `to_bytes` sealed; raises StoreError if `data` or `key` is wrong."""

        def build(value: Value) -> OutboundGroupSession:
            parts = items(value, most=6)
            group, author, view, created_ms, pickle = array(parts[:5], 5)
            session = vodozemac.GroupSession.from_pickle(text(pickle, most=MAX_BYTES), PICKLE_KEY)
            return cls(
                identifier(group, GroupId),
                identifier(author, DeviceId),
                blob(view, most=_VIEW_SIZE),
                integer(created_ms),
                session,
                integer(parts[5]) if len(parts) == 6 else session.message_index,  # of an older version
            )

        return open_state(key, "outbound group session", b"", data, build)


class InboundGroupSession:
    """Some device's sender key, readable from `first_index` on. Opening does not change it."""

    def __init__(self, group: GroupId, author: DeviceId, session: vodozemac.InboundGroupSession) -> None:
        self.group = group
        self.author = author
        self._session = session
        self.session_id = megolm.session_id(session.session_id)

    @classmethod
    def from_sender_key(cls, sender_key: SenderKey) -> InboundGroupSession:
        """The session that `sender_key` opens.

        The caller has checked that whoever sent the key may give it: its author's device, or a
        member under the group's history policy.

        Raises:
            DecodeError: the exported key is malformed or is not of the session and index it names.
        """
        try:
            exported = vodozemac.ExportedSessionKey(megolm.to_base64(sender_key.exported))
            session = cls(
                sender_key.group,
                sender_key.author,
                vodozemac.InboundGroupSession.import_session(exported),
            )
        except ValueError as error:
            raise DecodeError("not a Megolm session key") from error
        if (session.session_id, session.first_index) != (sender_key.session_id, sender_key.index):
            raise DecodeError("the sender key names another session or index")
        return session

    @property
    def first_index(self) -> int:
        """The index of the first message that it can open."""
        return self._session.first_known_index

    def merged(self, other: InboundGroupSession) -> InboundGroupSession:
        """Of two keys for one session, the one that reads further back.

        Raises:
            UndecryptableError: FORGED, they do not belong together: keep this one, it came first.
        """
        early, late = sorted((self, other), key=lambda session: session.first_index)
        same = (early.group, early.author, early.session_id) == (late.group, late.author, late.session_id)
        if not same or early.sender_key(late.first_index) != late.sender_key(late.first_index):
            raise UndecryptableError(Reason.FORGED)
        return early

    def sender_key(self, index: int) -> SenderKey:
        """The key from `index` on, for a member who may read from there (the group's history policy).

        Raises:
            NotAllowedError: we cannot read that far back ourselves.
        """
        exported = self._session.export_at(index) if index < megolm.MAX_INDEX else None
        if exported is None:
            raise NotAllowedError(f"the sender key is known from message {self.first_index} on only")
        return SenderKey(
            self.group, self.author, self.session_id, index, megolm.from_base64(exported.to_base64())
        )

    def open(self, ciphertext: bytes, associated: bytes, *, seen: Callable[[int], bool]) -> GroupPlaintext:
        """The plaintext sealed in `ciphertext` under the same `associated`.

        `seen` tells whether a message of that index of this session was accepted before: Megolm opens
        a message as often as asked. Store the index in the transaction that stores the plaintext.

        Raises:
            DecodeError: not a Megolm message.
            ReplayError: an index that `seen` knows.
            UndecryptableError: KEY_GONE, the index lies before `first_index`; FORGED, the message was
                changed, or sealed in another group, by another author or with other associated data.
        """
        try:
            message = vodozemac.MegolmMessage.from_bytes(ciphertext)
        except ValueError as error:
            raise DecodeError("not a Megolm message") from error
        index = message.message_index()
        if index < self.first_index:
            raise UndecryptableError(Reason.KEY_GONE)
        try:
            plaintext = self._session.decrypt(message).plaintext
        except ValueError as error:
            raise UndecryptableError(Reason.FORGED) from error
        expected = megolm.context(self.group, self.author, self.session_id, associated)
        if not plaintext.startswith(expected):
            raise UndecryptableError(Reason.FORGED)
        if seen(index):
            raise ReplayError
        return GroupPlaintext(index, plaintext[len(expected) :])

    def to_bytes(self, key: bytes) -> bytes:
        """The session sealed under the 32-byte `key`."""
        value = [self.group, self.author, self._session.pickle(PICKLE_KEY)]
        return seal_state(key, "inbound group session", b"", value)

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes) -> InboundGroupSession:
        """The session that `to_bytes` sealed; raises StoreError if `data` or `key` is wrong."""

        def build(value: Value) -> InboundGroupSession:
            group, author, pickle = array(value, 3)
            session = vodozemac.InboundGroupSession.from_pickle(text(pickle, most=MAX_BYTES), PICKLE_KEY)
            return cls(identifier(group, GroupId), identifier(author, DeviceId), session)

        return open_state(key, "inbound group session", b"", data, build)
