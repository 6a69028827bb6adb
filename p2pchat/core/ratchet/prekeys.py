"""The prekeys that peers hold of us: periods of fallback and KEM keys, and one-time keys handed out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import vodozemac

from p2pchat.core.codec import Value
from p2pchat.core.fields import array, blob, identifier, integer, items
from p2pchat.core.ids import DeviceId
from p2pchat.core.ratchet import olm
from p2pchat.core.ratchet.kem import KemKeyPair

MAX_ONE_TIME_KEYS: Final = 50  # handed out and not used yet; bounds the account's pickle to 15 kB
MAX_STARTS: Final = 1024  # accepted on the fallback keys in one period; 17 kB of pickle
START_ID_SIZE: Final = 16


@dataclass(slots=True)
class Period:
    """The fallback and KEM key that were made together, and the starts accepted since.

    A start is remembered as long as the newest fallback key that it can have used is kept.
    """

    created_ms: int
    fallback_key: bytes
    kem: KemKeyPair
    starts: set[bytes] = field(default_factory=set)

    @classmethod
    def begin(cls, account: vodozemac.Account, now_ms: int) -> Period:
        """A period with fresh keys; the account forgets its fallback key before last."""
        return cls(now_ms, olm.new_fallback_key(account), KemKeyPair.generate())

    def to_value(self) -> list[object]:
        """The period as a value for `from_value`; secret."""
        return [self.created_ms, self.fallback_key, self.kem.to_value(), sorted(self.starts)]

    @classmethod
    def from_value(cls, value: Value) -> Period:
        """The period that `to_value` gave; raises DecodeError if it did not."""
        created_ms, fallback_key, pair, starts = array(value, 4)
        return cls(
            integer(created_ms),
            blob(fallback_key, least=olm.KEY_SIZE, most=olm.KEY_SIZE),
            KemKeyPair.from_value(pair),
            {blob(start, most=START_ID_SIZE) for start in items(starts, most=MAX_STARTS)},
        )


class OneTimeKeys:
    """One-time keys that peers hold and have not used, one for each peer.

    They are made when a bundle is asked for. A peer that asks again gets the same key until it is
    used, so nobody can drain them, and at most `MAX_ONE_TIME_KEYS` are out.
    """

    def __init__(self, held: dict[DeviceId, tuple[bytes, int]]) -> None:
        self._held = held  # by peer: the public key, and when the bundle it was last in expires

    def hand_out(
        self, account: vodozemac.Account, peer: DeviceId, now_ms: int, until_ms: int
    ) -> bytes | None:
        """The public key for a bundle of `peer` that expires at `until_ms`; None if too many are out."""
        key = self._taken_back(peer, now_ms)
        if key is None:
            if len(self._held) >= MAX_ONE_TIME_KEYS:
                return None
            key = olm.new_one_time_key(account)
        self._held[peer] = (key, until_ms)
        return key

    def holder(self, key: bytes) -> DeviceId | None:
        """The peer that holds `key`, or None if it was used or never handed out."""
        return next((peer for peer, (held, _) in self._held.items() if held == key), None)

    def use(self, peer: DeviceId) -> None:
        """Forget the key of `peer`: it was used."""
        del self._held[peer]

    def _taken_back(self, peer: DeviceId, now_ms: int) -> bytes | None:
        if peer in self._held:
            return self._held.pop(peer)[0]
        if len(self._held) >= MAX_ONE_TIME_KEYS:
            # Olm cannot delete a key; once its bundle has expired, no honest peer uses it any more.
            oldest, (key, until_ms) = min(self._held.items(), key=lambda item: item[1][1])
            if until_ms <= now_ms:
                del self._held[oldest]
                return key
        return None

    def to_value(self) -> list[object]:
        """The keys as a value for `from_value`."""
        return [[peer, key, until_ms] for peer, (key, until_ms) in self._held.items()]

    @classmethod
    def from_value(cls, value: Value) -> OneTimeKeys:
        """The keys that `to_value` gave; raises DecodeError if it did not."""
        held = {}
        for entry in items(value, most=MAX_ONE_TIME_KEYS):
            peer, key, until_ms = array(entry, 3)
            held[identifier(peer, DeviceId)] = (
                blob(key, least=olm.KEY_SIZE, most=olm.KEY_SIZE),
                integer(until_ms),
            )
        return cls(held)
