"""Our own prekeys: the Olm account, the KEM key pairs, and what guards them against replay.

Fallback and KEM keys live in *periods*: the current one is published, the previous one still opens
what was sealed for it, the one before is deleted. Prekeys and X3DH: Olm,
https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/olm.md.
"""

from __future__ import annotations

from typing import Final

import vodozemac

from p2pchat.core.codec import Value
from p2pchat.core.fields import array, blob, items, text
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ratchet import olm
from p2pchat.core.ratchet.bundle import MAX_CLOCK_SKEW_MS, PrekeyBundle
from p2pchat.core.ratchet.errors import Reason, ReplayError, UndecryptableError
from p2pchat.core.ratchet.kem import KemKeyPair
from p2pchat.core.ratchet.pickled import Pickled
from p2pchat.core.ratchet.prekeys import MAX_STARTS, START_ID_SIZE, OneTimeKeys, Period
from p2pchat.core.ratchet.sealed_state import MAX_STATE_BYTES, open_state, seal_state
from p2pchat.errors import ProtocolError

ROTATION_MS: Final = 14 * 86_400_000  # a fallback or KEM key is published this long, and kept as long again
_CROWDED: Final = MAX_STARTS // 2  # rotate early, long before starts must be refused
_KIND: Final = "device account"


class DeviceAccount:
    """The private prekeys of this device. Store `to_bytes` before a bundle made from it leaves."""

    def __init__(
        self,
        identity_key: bytes,
        account: vodozemac.Account | str,
        periods: list[Period],
        one_time_keys: OneTimeKeys,
    ) -> None:
        self.identity_key = identity_key  # Curve25519, for the device certificate
        self._account = Pickled(vodozemac.Account, account)
        self._periods = periods  # the current one, then the previous one if there is one
        self._one_time_keys = one_time_keys

    @classmethod
    def create(cls, now_ms: int) -> DeviceAccount:
        """A new account with fresh keys."""
        account = vodozemac.Account()
        identity_key = account.curve25519_key.to_bytes()
        return cls(identity_key, account, [Period.begin(account, now_ms)], OneTimeKeys({}))

    def maintain(self, now_ms: int) -> bool:
        """Rotate the fallback and KEM keys if they are due; True if they were and must be stored.

        Call it at start-up and at least once a day. Keys of the period before last are deleted, and
        with them the memory of what was started on them. Keys made while the clock was ahead by more
        than a day are rotated too: their age could not be told.
        """
        current = self._periods[0]
        age_ms = now_ms - current.created_ms
        if -MAX_CLOCK_SKEW_MS <= age_ms < ROTATION_MS and len(current.starts) < _CROWDED:
            return False
        self._periods = [Period.begin(self._account.live(), now_ms), current]
        self._account.changed()
        return True

    def bundle(
        self, person: PersonId, signer: SigningKey, now_ms: int, recipient: DeviceId | None = None
    ) -> PrekeyBundle:
        """Our signed bundle, valid until its fallback key is deleted (14 to 28 days).

        A bundle for one `recipient` carries a one-time key of its own, and the account must be stored
        before it leaves. A bundle for everybody (DHT, mailbox) carries none, since two senders would
        collide on it.
        """
        current = self._periods[0]
        expires_ms = min(current.created_ms, now_ms) + 2 * ROTATION_MS
        one_time_key = None
        if recipient is not None:
            one_time_key = self._one_time_keys.hand_out(self._account.live(), recipient, now_ms, expires_ms)
            self._account.changed()
        return PrekeyBundle(
            person=person,
            device=DeviceId(signer.public),
            identity_key=self.identity_key,
            fallback_key=current.fallback_key,
            one_time_key=one_time_key,
            kem_public=current.kem.public,
            created_ms=now_ms,
            expires_ms=expires_ms,
        ).signed(signer)

    def kem_key(self, key_id: bytes) -> KemKeyPair:
        """Our KEM key pair of that name; raises UndecryptableError if it is unknown or deleted."""
        for period in self._periods:
            if period.kem.key_id == key_id:
                return period.kem
        raise UndecryptableError(Reason.UNKNOWN_PREKEY)

    def initiate(self, identity_key: bytes, prekey: bytes) -> vodozemac.Session:
        """An outbound Olm session (X3DH) to a peer's identity key and one of its prekeys.

        Raises:
            ProtocolError: a key is malformed, or of low order (all zero, for instance).
        """
        identity, other = olm.curve_key(identity_key), olm.curve_key(prekey)
        try:
            return self._account.live().create_outbound_session(identity, other)
        except ValueError as error:
            raise ProtocolError("the prekey bundle holds an unusable key") from error

    def accept(self, message: olm.PrekeyMessage, context: bytes) -> tuple[vodozemac.Session, bytes]:
        """The inbound Olm session that `message` starts, and its plaintext without `context`.

        A one-time key is used up. A start on a fallback key is remembered until that key is deleted,
        because Olm would accept it again. The caller has checked the message's identity key.

        Raises:
            DecodeError: the message is malformed.
            ReplayError: this start was accepted before.
            UndecryptableError: the prekey is gone, the message is forged or belongs to another
                `context`, or too many starts were accepted. The account is as before.
        """
        parsed = message.message()
        start = parsed.session_id().encode()[:START_ID_SIZE]
        holder = self._one_time_keys.holder(message.prekey)
        if holder is None:
            self._check_fallback(message.prekey, start)
        self._account.frozen()
        try:
            identity_key = olm.curve_key(message.identity_key)
            session, plaintext = self._account.live().create_inbound_session(identity_key, parsed)
            olm.check_can_answer(session)
            if not plaintext.startswith(context):
                raise UndecryptableError(Reason.FORGED)
        except (ValueError, UndecryptableError) as error:
            self._account.restore()
            raise UndecryptableError(Reason.FORGED) from error
        self._account.changed()
        if holder is None:
            self._periods[0].starts.add(start)
        else:
            self._one_time_keys.use(holder)
        return session, plaintext[len(context) :]

    def to_bytes(self, key: bytes) -> bytes:
        """The account sealed under the 32-byte `key`."""
        value = [
            self.identity_key,
            self._account.frozen(),
            [period.to_value() for period in self._periods],
            self._one_time_keys.to_value(),
        ]
        return seal_state(key, _KIND, b"", value)

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes) -> DeviceAccount:
        """The account that `to_bytes` sealed; raises StoreError if `data` or `key` is wrong."""
        return open_state(key, _KIND, b"", data, cls._from_value)

    @classmethod
    def _from_value(cls, value: Value) -> DeviceAccount:
        identity_key, account, periods, one_time_keys = array(value, 4)
        return cls(
            blob(identity_key, least=olm.KEY_SIZE, most=olm.KEY_SIZE),
            text(account, most=MAX_STATE_BYTES),
            [Period.from_value(period) for period in items(periods, most=2)],
            OneTimeKeys.from_value(one_time_keys),
        )

    def _check_fallback(self, prekey: bytes, start: bytes) -> None:
        if all(period.fallback_key != prekey for period in self._periods):
            raise UndecryptableError(Reason.UNKNOWN_PREKEY)
        if any(start in period.starts for period in self._periods):
            raise ReplayError
        if len(self._periods[0].starts) >= MAX_STARTS:
            raise UndecryptableError(Reason.CROWDED)
