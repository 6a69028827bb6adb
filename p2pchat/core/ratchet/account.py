"""Our own prekeys: the Olm account, the KEM key pairs, and what guards them against replay.

Fallback and KEM keys live in *periods*: the current one is published, the previous one still opens
what was sealed for it, the one before is deleted. One-time keys are made when a peer asks for our
bundle, one per peer at a time, so nobody can drain them and none lies about unused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import vodozemac

from p2pchat.core.codec import Value
from p2pchat.core.fields import array, blob, identifier, integer, items, text
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.ratchet import olm
from p2pchat.core.ratchet.bundle import PrekeyBundle
from p2pchat.core.ratchet.errors import Reason, ReplayError, UndecryptableError
from p2pchat.core.ratchet.kem import SEED_SIZE, KemKeyPair
from p2pchat.core.ratchet.sealed_state import open_state, seal_state

ROTATION_MS: Final = 14 * 86_400_000  # a fallback or KEM key is published this long, and kept as long again
MAX_ONE_TIME_KEYS: Final = 50  # handed out and not used yet; bounds the pickle to 15 kB
MAX_STARTS: Final = 1024  # accepted on the fallback keys in one period; bounds the pickle to 35 kB more
_CROWDED: Final = MAX_STARTS // 2  # rotate early, long before starts must be refused
_START_ID_SIZE: Final = 16
_KIND: Final = "device account"


@dataclass(slots=True)
class _Period:
    """The prekeys that were made together, and the starts accepted while they were current."""

    created_ms: int
    fallback_key: bytes
    kem: KemKeyPair
    starts: set[bytes] = field(default_factory=set)

    def to_value(self) -> list[object]:
        return [self.created_ms, self.fallback_key, self.kem.seed, sorted(self.starts)]

    @classmethod
    def from_value(cls, value: Value) -> _Period:
        created_ms, fallback_key, seed, starts = array(value, 4)
        return cls(
            integer(created_ms),
            blob(fallback_key, most=olm.KEY_SIZE),
            KemKeyPair(blob(seed, most=SEED_SIZE)),
            {blob(start, most=_START_ID_SIZE) for start in items(starts, most=MAX_STARTS)},
        )


@dataclass(frozen=True, slots=True)
class _Issued:
    """A one-time key that a peer holds and has not used."""

    key: bytes
    until_ms: int  # the end of the bundle it was in

    def to_value(self) -> list[object]:
        return [self.key, self.until_ms]

    @classmethod
    def from_value(cls, value: Value) -> _Issued:
        key, until_ms = array(value, 2)
        return cls(blob(key, most=olm.KEY_SIZE), integer(until_ms))


class DeviceAccount:
    """The private prekeys of this device. Store `to_bytes` before a bundle made from it leaves."""

    def __init__(
        self,
        account: vodozemac.Account,
        periods: list[_Period],
        issued: dict[DeviceId, _Issued],
    ) -> None:
        self._account = account
        self._periods = periods  # the current one, then the previous one if there is one
        self._issued = issued
        self.identity_key: bytes = account.curve25519_key.to_bytes()  # Curve25519, for the device certificate

    @classmethod
    def create(cls, now_ms: int) -> DeviceAccount:
        """A new account with fresh keys."""
        account = vodozemac.Account()
        return cls(account, [_new_period(account, now_ms)], {})

    def maintain(self, now_ms: int) -> bool:
        """Rotate the fallback and KEM keys if they are due; True if they were and must be stored.

        Call it at start-up and at least once a day. Keys of the period before last are deleted, and
        with them the memory of what was started on them.
        """
        current = self._periods[0]
        if now_ms < current.created_ms + ROTATION_MS and len(current.starts) < _CROWDED:
            return False
        self._periods = [_new_period(self._account, now_ms), current]
        return True

    def bundle(
        self, person: PersonId, signer: SigningKey, now_ms: int, recipient: DeviceId | None = None
    ) -> PrekeyBundle:
        """Our signed bundle, valid until its fallback key is deleted.

        A bundle for one `recipient` carries a one-time key of its own: the same again until it is
        used, and none while `MAX_ONE_TIME_KEYS` others are out. A bundle for everybody (DHT,
        mailbox) carries none, since two senders would collide on it.
        """
        current = self._periods[0]
        expires_ms = current.created_ms + 2 * ROTATION_MS
        return PrekeyBundle(
            person=person,
            device=DeviceId(signer.public),
            identity_key=self.identity_key,
            fallback_key=current.fallback_key,
            one_time_key=self._one_time_key(recipient, now_ms, expires_ms) if recipient else None,
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
            DecodeError: a key is malformed.
            UndecryptableError: FORGED, a key is of low order (all zero, for instance).
        """
        identity, other = olm.curve_key(identity_key), olm.curve_key(prekey)
        try:
            return self._account.create_outbound_session(identity, other)
        except ValueError as error:
            raise UndecryptableError(Reason.FORGED) from error

    def accept(
        self, identity_key: bytes, message: olm.PrekeyMessage, context: bytes
    ) -> tuple[vodozemac.Session, bytes]:
        """The inbound Olm session that `message` starts, and its plaintext without `context`.

        A one-time key is used up. A start on a fallback key is remembered until that key is deleted,
        because Olm would accept it again.

        Raises:
            DecodeError: the message is malformed.
            ReplayError: this start was accepted before.
            UndecryptableError: the prekey is gone, the message is forged or belongs to another
                `context`, or too many starts were accepted. The account is as before.
        """
        parsed = message.message()
        start = parsed.session_id().encode()[:_START_ID_SIZE]
        recipient = next((who for who, issued in self._issued.items() if issued.key == message.prekey), None)
        if recipient is None:
            self._check_fallback(message.prekey, start)
        before = olm.freeze_account(self._account)
        try:
            session, plaintext = self._account.create_inbound_session(olm.curve_key(identity_key), parsed)
        except ValueError as error:
            raise UndecryptableError(Reason.FORGED) from error
        if not plaintext.startswith(context):
            self._account = olm.thaw_account(before)
            raise UndecryptableError(Reason.FORGED)
        if recipient is None:
            self._periods[0].starts.add(start)
        else:
            del self._issued[recipient]
        return session, plaintext[len(context) :]

    def to_bytes(self, key: bytes) -> bytes:
        """The account sealed under the 32-byte `key`."""
        value = [
            olm.freeze_account(self._account),
            [period.to_value() for period in self._periods],
            [[recipient, issued.to_value()] for recipient, issued in sorted(self._issued.items())],
        ]
        return seal_state(key, _KIND, b"", value)

    @classmethod
    def from_bytes(cls, data: bytes, key: bytes) -> DeviceAccount:
        """The account that `to_bytes` sealed; raises StoreError if `data` or `key` is wrong."""
        return open_state(key, _KIND, b"", data, cls._from_value)

    @classmethod
    def _from_value(cls, value: Value) -> DeviceAccount:
        account, periods, issued = array(value, 3)
        return cls(
            olm.thaw_account(text(account, most=1 << 20)),
            [_Period.from_value(period) for period in items(periods, most=2)],
            dict(_issued_pairs(items(issued, most=MAX_ONE_TIME_KEYS))),
        )

    def _one_time_key(self, recipient: DeviceId, now_ms: int, until_ms: int) -> bytes | None:
        held = self._issued.pop(recipient, None)
        if held is None and len(self._issued) >= MAX_ONE_TIME_KEYS:
            # Olm cannot delete one of them; once its bundle has expired another peer may have it.
            oldest = min(self._issued, key=lambda who: self._issued[who].until_ms)
            if self._issued[oldest].until_ms > now_ms:
                return None
            held = self._issued.pop(oldest)
        key = held.key if held else olm.new_one_time_key(self._account)
        self._issued[recipient] = _Issued(key, until_ms)
        return key

    def _check_fallback(self, prekey: bytes, start: bytes) -> None:
        if all(period.fallback_key != prekey for period in self._periods):
            raise UndecryptableError(Reason.UNKNOWN_PREKEY)
        if any(start in period.starts for period in self._periods):
            raise ReplayError
        if len(self._periods[0].starts) >= MAX_STARTS:
            raise UndecryptableError(Reason.CROWDED)


def _new_period(account: vodozemac.Account, now_ms: int) -> _Period:
    return _Period(now_ms, olm.new_fallback_key(account), KemKeyPair.generate())


def _issued_pairs(values: list[Value]) -> Iterator[tuple[DeviceId, _Issued]]:
    for value in values:
        recipient, issued = array(value, 2)
        yield identifier(recipient, DeviceId), _Issued.from_value(issued)
