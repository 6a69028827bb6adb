"""The outer layer: XChaCha20-Poly1305 under keys that come from ML-KEM-768, renewed by a KEM ratchet.

Each *epoch* has one key for each direction. The initiator offers a fresh KEM key after
`EPOCH_ENVELOPES` envelopes and repeats it until the answer comes; the responder encapsulates to it,
seals under the new epoch at once and repeats the ciphertext until it hears the new epoch. The
offered secret key is deleted with the answer, so a later theft does not open earlier epochs, and an
earlier theft does not open later ones. It is the asymmetric ratchet of the Double Ratchet with a
KEM (Alwen, Coretti, Dodis, "The Double Ratchet", eprint 2018/1037), like Signal's SPQR but
without cutting the KEM key into pieces: our envelopes are large enough.

States are frozen: each step gives the next state, so a failed open keeps the old one. Nonces are
drawn by libsodium: 192 random bits never repeat, even if a store is rolled back to an older copy,
which a counter would not survive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeGuard

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from p2pchat.core.codec import Value
from p2pchat.core.fields import array, blob, boolean, integer
from p2pchat.core.ratchet import kem
from p2pchat.core.ratchet.envelope import MAX_COUNTER, SessionId
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.kem import KemKeyPair

EPOCH_ENVELOPES: Final = 100  # sealed or opened in an epoch before the next is offered; 2.3 kB each time
LATE_ENVELOPES: Final = 200  # opened in an epoch until the key of the one before goes: Olm's 5 chains of 40
_KEY_SIZE: Final = 32
_INFO: Final = b"p2pchat-ratchet-outer-v1\0"


@dataclass(frozen=True, slots=True)
class Epoch:
    """The keys of one epoch; `root` carries the secrets of all epochs before into the next."""

    number: int
    root: bytes
    from_initiator: bytes
    from_responder: bytes

    @classmethod
    def derive(cls, number: int, salt: bytes, secret: bytes, session: SessionId, binding: bytes) -> Epoch:
        """The keys of epoch `number`: HKDF-SHA256 of the KEM `secret` under the root before it.

        `binding` is that of the initiator's direction in every epoch.
        """
        info = _INFO + binding + session + number.to_bytes(4, "big")
        keys = HKDF(SHA256(), 3 * _KEY_SIZE, salt, info).derive(secret)
        return cls(number, keys[:32], keys[32:64], keys[64:])

    def __repr__(self) -> str:
        return f"Epoch({self.number})"


@dataclass(frozen=True, slots=True)
class OuterLayer:
    """One side's outer keys and where it stands in the KEM ratchet."""

    session: SessionId
    binding: bytes
    is_initiator: bool
    current: Epoch
    envelopes: int = 0  # sealed and opened in the current epoch
    opened: int = 0
    late_key: bytes | None = None  # opens what they sealed in the epoch before
    offer: KemKeyPair | None = None  # initiator: waits for a ciphertext
    answer: bytes | None = None  # responder: repeated until they seal in the current epoch

    @classmethod
    def begin(cls, session: SessionId, binding: bytes, secret: bytes, *, is_initiator: bool) -> OuterLayer:
        """The layer in epoch 0, from the secret of the session's first encapsulation."""
        return cls(session, binding, is_initiator, Epoch.derive(0, bytes(32), secret, session, binding))

    def seal(self) -> tuple[OuterLayer, bytes | None, bytes]:
        """The state after one more sealed envelope, the header's `kem` field, and the key to seal under.

        The envelope belongs to `current.number`. (A start has no `kem` field: what is offered early
        travels with the first message.)
        """
        state = replace(self, envelopes=self.envelopes + 1)
        due = self.is_initiator and self.envelopes >= EPOCH_ENVELOPES
        if due and self.offer is None and self.current.number + 1 < MAX_COUNTER:
            state = replace(state, offer=KemKeyPair.generate())
        key = self.current.from_initiator if self.is_initiator else self.current.from_responder
        return state, state.offer.public if state.offer else state.answer, key

    def receiving(self, epoch: int, kem_field: bytes | None) -> tuple[OuterLayer, bytes]:
        """The state that can open an envelope of `epoch`, to be kept only if it opens, and the key for it.

        Raises:
            UndecryptableError: KEY_GONE, the epoch's key has been deleted or was never made.
        """
        if epoch == self.current.number:
            return self, self._receiving_key()
        if epoch + 1 == self.current.number and self.late_key is not None:
            return self, self.late_key
        if epoch == self.current.number + 1 and self.offer is not None and _is_answer(kem_field):
            state = self._advanced(self.offer.decapsulate(kem_field))
            return state, state._receiving_key()
        raise UndecryptableError(Reason.KEY_GONE)

    def opened_one(self, epoch: int, kem_field: bytes | None) -> OuterLayer:
        """The state after an envelope of `epoch` was opened; an offer in it is answered.

        Raises:
            DecodeError: the offered KEM key is not one.
        """
        if epoch != self.current.number:
            return self
        opened = self.opened + 1
        late_key = self.late_key if opened < LATE_ENVELOPES else None
        state = replace(self, envelopes=self.envelopes + 1, opened=opened, late_key=late_key, answer=None)
        if self.is_initiator or not _is_offer(kem_field):
            return state
        secret, ciphertext = kem.encapsulate(kem_field)
        return replace(state._advanced(secret), answer=ciphertext)

    def _advanced(self, secret: bytes) -> OuterLayer:
        current = Epoch.derive(self.current.number + 1, self.current.root, secret, self.session, self.binding)
        return replace(
            self,
            current=current,
            envelopes=0,
            opened=0,
            late_key=self._receiving_key(),
            offer=None,
            answer=None,
        )

    def _receiving_key(self) -> bytes:
        return self.current.from_responder if self.is_initiator else self.current.from_initiator

    def to_value(self) -> list[object]:
        """The state as a value for `from_value`; secret."""
        epoch = self.current
        return [
            self.is_initiator,
            [epoch.number, epoch.root, epoch.from_initiator, epoch.from_responder],
            self.envelopes,
            self.opened,
            self.late_key,
            self.offer.to_value() if self.offer else None,
            self.answer,
        ]

    @classmethod
    def from_value(cls, session: SessionId, bindings: tuple[bytes, bytes], value: Value) -> OuterLayer:
        """The state that `to_value` gave; `bindings` are those of our outgoing and incoming direction.

        Raises:
            DecodeError: it did not give this value.
        """
        role, epoch, envelopes, opened, late_key, offer, answer = array(value, 7)
        is_initiator = boolean(role)
        number, *keys = array(epoch, 4)
        return cls(
            session=session,
            binding=bindings[0] if is_initiator else bindings[1],
            is_initiator=is_initiator,
            current=Epoch(
                integer(number, high=MAX_COUNTER),
                *(blob(key, least=_KEY_SIZE, most=_KEY_SIZE) for key in keys),
            ),
            envelopes=integer(envelopes),
            opened=integer(opened),
            late_key=None if late_key is None else blob(late_key, least=_KEY_SIZE, most=_KEY_SIZE),
            offer=None if offer is None else KemKeyPair.from_value(offer),
            answer=None if answer is None else blob(answer, most=kem.CIPHERTEXT_SIZE),
        )

    def __repr__(self) -> str:
        return f"OuterLayer({self.session.short}…, epoch {self.current.number})"


def _is_offer(kem_field: bytes | None) -> TypeGuard[bytes]:
    return kem_field is not None and len(kem_field) == kem.PUBLIC_SIZE


def _is_answer(kem_field: bytes | None) -> TypeGuard[bytes]:
    return kem_field is not None and len(kem_field) == kem.CIPHERTEXT_SIZE
