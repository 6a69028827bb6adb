"""The prekey bundle: what a device publishes so that others can start a session while it is away.

As in X3DH (https://signal.org/docs/specifications/x3dh/ §3.2) and PQXDH, the bundle is signed by the
device's own key, which certifies the Olm identity key for that device. That the device belongs to
the person is in the person's card, not here. Format: docs/protocol/ratchet.md §2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from p2pchat.core.codec import Value, decode, encode
from p2pchat.core.fields import array, blob, identifier, integer
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.core.keys import SIGNATURE_SIZE, SigningKey, verify
from p2pchat.core.ratchet import kem
from p2pchat.core.ratchet.olm import KEY_SIZE
from p2pchat.core.ratchet.parties import VERSION, Endpoint
from p2pchat.errors import ProtocolError

MAX_BUNDLE_BYTES: Final = 2048
MAX_LIFETIME_MS: Final = 30 * 86_400_000  # a signer cannot make his old prekeys last for ever
MAX_CLOCK_SKEW_MS: Final = 86_400_000  # home devices have wrong clocks; a day costs nothing here
_PURPOSE: Final = "prekey-bundle"


@dataclass(frozen=True, slots=True)
class PrekeyBundle:
    """The public prekeys of one device. Times are in milliseconds since 1970."""

    person: PersonId
    device: DeviceId
    identity_key: bytes
    fallback_key: bytes
    one_time_key: bytes | None  # only in a bundle that was made for one peer
    kem_public: bytes
    created_ms: int
    expires_ms: int
    signature: bytes = b""

    def signed(self, signer: SigningKey) -> PrekeyBundle:
        """This bundle with the signature of `signer`, which must be the key of `device`."""
        assert signer.public == self.device
        return replace(self, signature=signer.sign(_PURPOSE, encode(self._body())))

    def encode(self) -> bytes:
        """The canonical bytes, about 1.5 kB."""
        return encode([*self._body(), self.signature])

    @classmethod
    def decode(cls, data: bytes) -> PrekeyBundle:
        """The bundle that `data` encodes; its signature and times are not checked yet.

        Raises:
            DecodeError: `data` is too long, not canonical, or a field has the wrong type or size.
        """
        value = array(decode(data, limit=MAX_BUNDLE_BYTES), 10)
        integer(value[0], low=VERSION, high=VERSION + 1)
        return cls(
            person=identifier(value[1], PersonId),
            device=identifier(value[2], DeviceId),
            identity_key=_key(value[3]),
            fallback_key=_key(value[4]),
            one_time_key=None if value[5] is None else _key(value[5]),
            kem_public=blob(value[6], least=kem.PUBLIC_SIZE, most=kem.PUBLIC_SIZE),
            created_ms=integer(value[7]),
            expires_ms=integer(value[8]),
            signature=blob(value[9], least=SIGNATURE_SIZE, most=SIGNATURE_SIZE),
        )

    def verify(self, now_ms: int) -> None:
        """Return if the device signed this bundle and it is valid at `now_ms`.

        Raises:
            ProtocolError: the signature is wrong, or the bundle has expired, comes from the future
                by more than a day, or claims to last longer than 30 days.
        """
        verify(self.device, _PURPOSE, encode(self._body()), self.signature)
        if self.created_ms > now_ms + MAX_CLOCK_SKEW_MS:
            raise ProtocolError("the prekey bundle comes from the future")
        if self.expires_ms - self.created_ms > MAX_LIFETIME_MS:
            raise ProtocolError("the prekey bundle claims too long a life")
        if self.expires_ms <= now_ms:
            raise ProtocolError("the prekey bundle has expired")

    @property
    def endpoint(self) -> Endpoint:
        """The device that this bundle speaks for."""
        return Endpoint(self.person, self.device, self.identity_key)

    def _body(self) -> list[object]:
        return [
            VERSION,
            self.person,
            self.device,
            self.identity_key,
            self.fallback_key,
            self.one_time_key,
            self.kem_public,
            self.created_ms,
            self.expires_ms,
        ]


def _key(value: Value) -> bytes:
    return blob(value, least=KEY_SIZE, most=KEY_SIZE)
