"""All sessions with one remote device: which one to seal in, and which one an envelope belongs to.

Two devices may start at the same time, and a start may be repeated after a loss, so there can be
several sessions. Every start takes a generation above all it knows; both sides prefer the highest
(generation, session id), so they converge on one without a clock and in any order of arrival. The
others stay for late envelopes; beyond `MAX_SESSIONS` the longest unused is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from p2pchat.core.codec import Value
from p2pchat.core.fields import items
from p2pchat.core.keys import SigningKey
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.envelope import MAX_COUNTER, MAX_PLAINTEXT_BYTES, Envelope, SessionId, Start
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.parties import Parties
from p2pchat.core.ratchet.sealed_state import open_state, seal_state
from p2pchat.core.ratchet.session import Session
from p2pchat.errors import ProtocolError, QuotaError, UsageError

MAX_SESSIONS: Final = 5
_KIND: Final = "peer sessions"


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in an envelope, and whether our account changed too and must be stored with it."""

    plaintext: bytes = field(repr=False)
    account_changed: bool


class PeerSessions:
    """The sessions with one remote device.

    Store `to_bytes` in the transaction that stores what was sealed or opened. If that transaction
    fails, throw the object away and load the stored one again.
    """

    def __init__(self, parties: Parties) -> None:
        self.parties = parties
        self._sessions: list[Session] = []  # the longest unused first

    @property
    def needs_bundle(self) -> bool:
        """True if nothing can be sealed before `start`."""
        return not self._sessions

    def start(
        self,
        account: DeviceAccount,
        bundle: PrekeyBundle,
        signer: SigningKey,
        now_ms: int,
        *,
        fallback_only: bool = False,
    ) -> None:
        """Begin a fresh session, preferred from now on, from the peer's `bundle`.

        `signer` is our device key; `account` does not change. `fallback_only` leaves the bundle's
        one-time key alone: for a second try with the same bundle after the peer answered
        UNKNOWN_PREKEY.

        Raises:
            ProtocolError: the bundle is not signed by the peer's device, names another person or
                another Olm identity key than the certified one, has expired, or holds an unusable
                key.
        """
        if bundle.endpoint != self.parties.theirs:
            raise ProtocolError("the prekey bundle is of another device or has an uncertified identity key")
        bundle.verify(now_ms)
        generation = 1 + max((session.generation for session in self._sessions), default=0)
        if generation >= MAX_COUNTER:
            raise ProtocolError("the peer has used up the generations of sessions")
        self._keep(
            Session.initiate(self.parties, account, bundle, generation, signer, fallback_only=fallback_only)
        )

    def seal(self, plaintext: bytes) -> bytes:
        """An envelope for the peer, at most `MAX_ENVELOPE_BYTES`, with `plaintext` in it.

        Raises:
            UsageError: there is no session (`needs_bundle`).
            QuotaError: more than `MAX_PLAINTEXT_BYTES`.
        """
        if len(plaintext) > MAX_PLAINTEXT_BYTES:
            raise QuotaError(f"an envelope holds at most {MAX_PLAINTEXT_BYTES} bytes")
        if not self._sessions:
            raise UsageError("there is no session with the device yet")
        return self._preferred().seal(plaintext)

    def begins(self, data: bytes) -> bool:
        """Whether the envelope `data` begins a session that is not here yet. Raises DecodeError."""
        header = Envelope.decode(data).header
        return isinstance(header, Start) and self._find(header.session_id) is None

    def open(self, account: DeviceAccount | None, data: bytes) -> Opened:
        """What the peer sealed in the envelope `data`. If it raises, nothing has changed.

        Our account is needed only if the envelope `begins` a session.

        Raises:
            DecodeError: `data` is no envelope, or holds malformed parts: drop it.
            UndecryptableError: it cannot be opened; answer with a nak and its reason.
        """
        envelope = Envelope.decode(data)
        header = envelope.header
        session = self._find(header.session_id)
        if session is not None:
            plaintext = session.open(header, envelope.sealed)
            self._sessions.remove(session)
            self._sessions.append(session)
            return Opened(plaintext, account_changed=False)
        if not isinstance(header, Start):
            raise UndecryptableError(Reason.UNKNOWN_SESSION)
        assert account is not None
        session, plaintext = Session.accept(self.parties, account, header, envelope.sealed)
        self._keep(session)
        return Opened(plaintext, account_changed=True)

    def to_bytes(self, key: bytes) -> bytes:
        """The sessions sealed under the 32-byte `key`."""
        value = [session.to_value() for session in self._sessions]
        return seal_state(key, _KIND, self.parties.outgoing, value)

    @classmethod
    def from_bytes(cls, parties: Parties, data: bytes, key: bytes) -> PeerSessions:
        """The sessions that `to_bytes` sealed; raises StoreError if `parties`, `data` or `key` is wrong."""

        def build(value: Value) -> PeerSessions:
            peer = cls(parties)
            peer._sessions = [
                Session.from_value(parties, session) for session in items(value, most=MAX_SESSIONS)
            ]
            return peer

        return open_state(key, _KIND, parties.outgoing, data, build)

    def _find(self, session_id: SessionId) -> Session | None:
        return next((session for session in self._sessions if session.session_id == session_id), None)

    def _keep(self, newest: Session) -> None:
        self._sessions.append(newest)
        if len(self._sessions) > MAX_SESSIONS:
            preferred = self._preferred()
            self._sessions.remove(next(session for session in self._sessions if session is not preferred))

    def _preferred(self) -> Session:
        return max(self._sessions, key=lambda session: session.rank)
