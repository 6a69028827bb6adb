"""One session between two devices: Olm inside the outer layer, both bound to the parties.

Olm (X3DH and the Double Ratchet on Curve25519) gives forward secrecy, recovery and mutual
authentication; the outer layer adds ML-KEM-768 against whoever records now and computes later. The
start is signed by the initiator's device, so that even a thief of all our prekeys cannot pose as
another to us (key compromise impersonation, X3DH §4.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import vodozemac
from nacl.exceptions import CryptoError

from p2pchat.core.codec import Value, encode
from p2pchat.core.fields import array, blob, integer, text
from p2pchat.core.keys import SIGNATURE_SIZE, SigningKey, verify
from p2pchat.core.ratchet import aead, kem, olm
from p2pchat.core.ratchet.account import DeviceAccount
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.envelope import (
    MAX_COUNTER,
    Envelope,
    Header,
    Message,
    SessionId,
    Start,
    associated_data,
    context,
)
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.outer import OuterLayer
from p2pchat.core.ratchet.parties import Parties
from p2pchat.core.ratchet.pickled import Pickled
from p2pchat.core.ratchet.sealed_state import MAX_STATE_BYTES
from p2pchat.errors import ProtocolError

_START_PURPOSE = "ratchet-start"


@dataclass(frozen=True, slots=True)
class _Opening:
    """What the initiator repeats in each envelope until the first answer."""

    header: Start
    signature: bytes

    def to_value(self) -> list[object]:
        return [self.header.kem_key_id, self.header.kem_ciphertext, self.signature]

    @classmethod
    def from_value(cls, generation: int, value: Value) -> _Opening:
        key_id, ciphertext, signature = array(value, 3)
        return cls(
            Start(generation, blob(key_id, most=kem.KEY_ID_SIZE), blob(ciphertext, most=kem.CIPHERTEXT_SIZE)),
            blob(signature, most=SIGNATURE_SIZE),
        )


class Session:
    """A live session; it changes with every `seal` and every successful `open`."""

    def __init__(
        self,
        parties: Parties,
        generation: int,
        ratchet: vodozemac.Session | str,
        outer: OuterLayer,
        opening: _Opening | None,
    ) -> None:
        self.generation = generation
        self._parties = parties
        self._ratchet = Pickled(vodozemac.Session, ratchet)
        self._outer = outer
        self._opening = opening

    @property
    def session_id(self) -> SessionId:
        """The name of the session on the wire."""
        return self._outer.session

    @property
    def rank(self) -> tuple[int, bytes]:
        """Both sides prefer the session of highest rank, whichever order they learnt of them in."""
        return self.generation, self.session_id

    @classmethod
    def initiate(
        cls,
        parties: Parties,
        account: DeviceAccount,
        bundle: PrekeyBundle,
        generation: int,
        signer: SigningKey,
        *,
        fallback_only: bool,
    ) -> Session:
        """A session towards the device of a verified `bundle`; `seal` then makes its start.

        Raises:
            ProtocolError: a key in the bundle is unusable.
        """
        prekey = bundle.one_time_key if bundle.one_time_key and not fallback_only else bundle.fallback_key
        ratchet = account.initiate(bundle.identity_key, prekey)
        secret, ciphertext = kem.encapsulate(bundle.kem_public)
        header = Start(generation, kem.key_id(bundle.kem_public), ciphertext)
        statement = _statement(header, ratchet.session_id, parties.outgoing)
        outer = OuterLayer.begin(header.session_id, parties.outgoing, secret, is_initiator=True)
        opening = _Opening(header, signer.sign(_START_PURPOSE, statement))
        return cls(parties, generation, ratchet, outer, opening)

    @classmethod
    def accept(
        cls, parties: Parties, account: DeviceAccount, header: Start, sealed: bytes
    ) -> tuple[Session, bytes]:
        """The session that the peer's start opens, and the plaintext that came with it.

        Raises:
            DecodeError: what was sealed is malformed.
            UndecryptableError: see `Reason`; ReplayError is one of them. The account is as before.
        """
        secret = account.kem_key(header.kem_key_id).decapsulate(header.kem_ciphertext)
        outer = OuterLayer.begin(header.session_id, parties.incoming, secret, is_initiator=False)
        outer, key = outer.receiving(0, None)
        associated = associated_data(header, parties.incoming)
        signature, message = _split(_unseal(key, sealed, associated))
        if message.identity_key != parties.theirs.identity_key:
            raise UndecryptableError(Reason.FORGED)
        statement = _statement(header, message.message().session_id(), parties.incoming)
        try:
            verify(parties.theirs.device, _START_PURPOSE, statement, signature)
        except ProtocolError as error:
            raise UndecryptableError(Reason.FORGED) from error
        ratchet, plaintext = account.accept(message, context(associated))
        return cls(parties, header.generation, ratchet, outer.opened_one(0, None), None), plaintext

    def seal(self, plaintext: bytes) -> bytes:
        """The next envelope of this session, with `plaintext` in it."""
        self._outer, kem_field, key = self._outer.seal()
        header: Header = (
            self._opening.header
            if self._opening
            else Message(self.session_id, self._outer.current.number, kem_field)
        )
        associated = associated_data(header, self._parties.outgoing)
        kind, ciphertext = self._ratchet.live().encrypt(context(associated) + plaintext).to_parts()
        self._ratchet.changed()
        assert (kind == 0) == (self._opening is not None)  # Olm repeats its start just as long as we do
        content = self._opening.signature + ciphertext if self._opening else ciphertext
        return Envelope(header, aead.seal(key, content, associated)).encode()

    def open(self, header: Header, sealed: bytes) -> bytes:
        """The plaintext of an envelope of this session.

        Raises:
            DecodeError: what was sealed is malformed.
            UndecryptableError: KEY_GONE or FORGED. The session is as before.
        """
        epoch, kem_field = (header.epoch, header.kem) if isinstance(header, Message) else (0, None)
        outer, key = self._outer.receiving(epoch, kem_field)
        associated = associated_data(header, self._parties.incoming)
        content = _unseal(key, sealed, associated)
        outer = outer.opened_one(epoch, kem_field)
        if isinstance(header, Message):
            message = olm.parse_message(1, content)
        else:
            message = _split(content)[1].message().to_any()
        plaintext = self._decrypt(message, context(associated))
        self._outer, self._opening = outer, None
        return plaintext

    def _decrypt(self, message: vodozemac.AnyOlmMessage, expected: bytes) -> bytes:
        self._ratchet.frozen()
        try:
            plaintext = self._ratchet.live().decrypt(message)
        except ValueError as error:  # vodozemac keeps its state; it does not tell a lost key from a bad MAC
            raise UndecryptableError(Reason.KEY_GONE) from error
        if not plaintext.startswith(expected):
            self._ratchet.restore()
            raise UndecryptableError(Reason.FORGED)
        self._ratchet.changed()
        return plaintext[len(expected) :]

    def to_value(self) -> list[object]:
        """The session as a value for `from_value`; secret."""
        return [
            self.session_id,
            self.generation,
            self._ratchet.frozen(),
            self._outer.to_value(),
            self._opening.to_value() if self._opening else None,
        ]

    @classmethod
    def from_value(cls, parties: Parties, value: Value) -> Session:
        """The session that `to_value` gave; raises DecodeError if it did not."""
        name, number, ratchet, outer, opening = array(value, 5)
        generation = integer(number, high=MAX_COUNTER)
        return cls(
            parties,
            generation,
            text(ratchet, most=MAX_STATE_BYTES),
            OuterLayer.from_value(
                SessionId(blob(name, most=SessionId.size)), (parties.outgoing, parties.incoming), outer
            ),
            None if opening is None else _Opening.from_value(generation, opening),
        )

    def __repr__(self) -> str:
        return f"Session({self.session_id.short}…, generation {self.generation})"


def _statement(header: Start, ratchet_id: str, binding: bytes) -> bytes:
    return encode([*header.fields(), ratchet_id, binding])


def _unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    try:
        return aead.unseal(key, sealed, associated)
    except (CryptoError, ValueError) as error:  # ValueError: shorter than a nonce
        raise UndecryptableError(Reason.FORGED) from error


def _split(content: bytes) -> tuple[bytes, olm.PrekeyMessage]:
    return content[:SIGNATURE_SIZE], olm.PrekeyMessage.parse(content[SIGNATURE_SIZE:])
