"""A typed door to vodozemac's Olm: keys as bytes, and the prekey message taken apart.

Olm, https://gitlab.matrix.org/matrix-org/olm/-/blob/master/docs/olm.md. vodozemac draws its own
randomness. Its fallback-key methods are missing from its type stubs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, cast

import vodozemac

from p2pchat.core.ratchet.pickled import PICKLE_KEY
from p2pchat.errors import DecodeError

KEY_SIZE: Final = 32


class _FallbackKeys(Protocol):
    fallback_key: dict[str, vodozemac.Curve25519PublicKey]

    def generate_fallback_key(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PrekeyMessage:
    """An Olm prekey message and the public keys that it claims."""

    raw: bytes
    prekey: bytes  # ours: the one-time or fallback key it was made for
    base_key: bytes
    identity_key: bytes

    @classmethod
    def parse(cls, raw: bytes) -> PrekeyMessage:
        """The parts of `raw`; only the field order that vodozemac writes is accepted.

        Raises:
            DecodeError: `raw` has another form.
        """
        tags = (b"\x03\x0a\x20", b"\x12\x20", b"\x1a\x20")  # version 3, then fields 1, 2, 3 of 32 bytes
        keys, at = [], 0
        for tag in tags:
            start = at + len(tag)
            at = start + KEY_SIZE
            if raw[start - len(tag) : start] != tag or len(raw) < at:
                raise DecodeError("not an Olm prekey message")
            keys.append(raw[start:at])
        return cls(raw, *keys)

    def message(self) -> vodozemac.PreKeyMessage:
        """The message for vodozemac; raises DecodeError if the rest of it is malformed."""
        parsed = parse_message(0, self.raw).to_pre_key()
        assert parsed is not None  # type 0 is a prekey message
        return parsed


def parse_message(kind: int, raw: bytes) -> vodozemac.AnyOlmMessage:
    """An Olm message of `kind` 0 (prekey) or 1 (normal); raises DecodeError if malformed."""
    try:
        return vodozemac.AnyOlmMessage.from_parts(kind, raw)
    except ValueError as error:
        raise DecodeError("not an Olm message") from error


def curve_key(raw: bytes) -> vodozemac.Curve25519PublicKey:
    """A Curve25519 public key; raises DecodeError unless `raw` has 32 bytes."""
    try:
        return vodozemac.Curve25519PublicKey.from_bytes(raw)
    except ValueError as error:
        raise DecodeError("not a Curve25519 key") from error


def new_fallback_key(account: vodozemac.Account) -> bytes:
    """Make a fallback key; the one before stays usable, the one before that is deleted."""
    keys = cast(_FallbackKeys, account)
    keys.generate_fallback_key()
    (key,) = keys.fallback_key.values()
    account.mark_keys_as_published()
    return key.to_bytes()


def new_one_time_key(account: vodozemac.Account) -> bytes:
    """Make a one-time key, counted as published from now on."""
    account.generate_one_time_keys(1)
    (key,) = account.one_time_keys.values()
    account.mark_keys_as_published()
    return key.to_bytes()


def check_can_answer(session: vodozemac.Session) -> None:
    """Raise ValueError if a fresh inbound session holds a ratchet key that our answer would trip over.

    The first message of a session is opened before any use of its ratchet key; one of low order
    would only show when we seal. The try is made on a copy.
    """
    vodozemac.Session.from_pickle(session.pickle(PICKLE_KEY), PICKLE_KEY).encrypt(b"")
