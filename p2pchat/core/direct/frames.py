"""Frames on the direct stream and in the hello exchange. Docs: docs/protocol/direct.md.

direct/1, long-lived, one stream for each direction of envelopes; answers come back on the same stream:

    -> ["env", sealed]            <- ["ack", [envelope id, ...]]   after the receiver's commit
    -> ["ping"]                   <- ["nak", envelope id, reason]  the sender seals the items anew
                                  <- ["pong"]

hello/1, one question and one answer:

    -> [1, certificate, wants a bundle]      <- [1, certificate, bundle or null]

typing/1, one frame and no answer:

    -> [1, whether the person types]
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType, Self, TypeAlias

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.identity import MAX_CERTIFICATE
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import DecodeError

MAX_SEALED: Final = 160 * 1024  # MAX_PLAINTEXT and what Olm, ML-KEM and CBOR add
MAX_ACKS: Final = 1024
MAX_BUNDLE: Final = 8 * 1024
_VERSION: Final = 1

EnvelopeId = NewType("EnvelopeId", bytes)


def envelope_id(sealed: bytes) -> EnvelopeId:
    """The hash by which an envelope is acknowledged and recognised when it comes again."""
    return EnvelopeId(tagged_hash("envelope", sealed))


class NakReason(StrEnum):
    """Why an envelope was not taken."""

    UNDECRYPTABLE = "undecryptable"  # no session or key for it: seal anew with a fresh bundle
    UNKNOWN_DEVICE = "unknown-device"  # say hello first
    REFUSED = "refused"  # not a contact, blocked, or over the quota: do not send again soon


@dataclass(frozen=True, slots=True)
class Sealed:
    """An envelope."""

    sealed: bytes


@dataclass(frozen=True, slots=True)
class Ack:
    """These envelopes are committed on the receiver's disk."""

    ids: tuple[EnvelopeId, ...]


@dataclass(frozen=True, slots=True)
class Nak:
    """This envelope was not taken."""

    id: EnvelopeId
    reason: NakReason


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there?"""


@dataclass(frozen=True, slots=True)
class Pong:
    """Yes."""


Frame: TypeAlias = Sealed | Ack | Nak | Ping | Pong


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a direct frame."""
    match frame:
        case Sealed(sealed):
            return encode(["env", sealed])
        case Ack(ids):
            return encode(["ack", list(ids)])
        case Nak(envelope, reason):
            return encode(["nak", envelope, reason.value])
        case Ping():
            return encode(["ping"])
        case Pong():
            return encode(["pong"])


def decode_frame(raw: bytes) -> Frame:
    """The direct frame in `raw`.

    Raises:
        DecodeError: malformed or of an unknown kind.
    """
    value = fields.items(decode(raw, limit=MAX_SEALED + 1024), most=3)
    kind = fields.text(value[0], most=8) if value else ""
    if kind == "env" and len(value) == 2:
        return Sealed(fields.blob(value[1], least=1, most=MAX_SEALED))
    if kind == "ack" and len(value) == 2:
        return Ack(tuple(_id(item) for item in fields.items(value[1], most=MAX_ACKS)))
    if kind == "nak" and len(value) == 3:
        try:
            return Nak(_id(value[1]), NakReason(fields.text(value[2], most=32)))
        except ValueError as error:
            raise DecodeError("unknown reason") from error
    if kind in ("ping", "pong") and len(value) == 1:
        return Ping() if kind == "ping" else Pong()
    raise DecodeError("unknown direct frame")


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a device belongs to; a question may ask for a prekey bundle, which the answer then holds."""

    certificate: bytes
    bundle: bytes | None = None
    wants_bundle: bool = False

    def encode_question(self) -> bytes:
        """The first frame of hello/1."""
        return encode([_VERSION, self.certificate, self.wants_bundle])

    def encode_answer(self) -> bytes:
        """The second frame of hello/1."""
        return encode([_VERSION, self.certificate, self.bundle])

    @classmethod
    def decode_question(cls, raw: bytes) -> Self:
        """The question in `raw`; the certificate is not yet checked. Raises DecodeError."""
        version, certificate, wants = fields.array(decode(raw, limit=MAX_BUNDLE), 3)
        if fields.integer(version) != _VERSION:
            raise DecodeError("unknown hello version")
        return cls(fields.blob(certificate, most=MAX_CERTIFICATE), wants_bundle=fields.boolean(wants))

    @classmethod
    def decode_answer(cls, raw: bytes) -> Self:
        """The answer in `raw`; certificate and bundle are not yet checked. Raises DecodeError."""
        version, certificate, bundle = fields.array(decode(raw, limit=2 * MAX_BUNDLE), 3)
        if fields.integer(version) != _VERSION:
            raise DecodeError("unknown hello version")
        return cls(
            fields.blob(certificate, most=MAX_CERTIFICATE),
            None if bundle is None else fields.blob(bundle, most=MAX_BUNDLE),
        )


def encode_typing(typing: bool) -> bytes:
    """The frame of typing/1."""
    return encode([_VERSION, typing])


def decode_typing(raw: bytes) -> bool:
    """Whether the person at the other end types. Raises DecodeError."""
    version, typing = fields.array(decode(raw, limit=16), 2)
    if fields.integer(version) != _VERSION:
        raise DecodeError("unknown typing version")
    return fields.boolean(typing)


def _id(value: fields.Value) -> EnvelopeId:
    return EnvelopeId(fields.blob(value, least=32, most=32))
