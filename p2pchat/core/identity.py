"""Persons, their devices, and the signed records that tie them together.

A person is an Ed25519 root key. It certifies device keys, each with the Olm identity key that its
sessions must show, and signs a versioned card: name, devices, addresses. Each device countersigns its
certificate: nobody can claim a device that is not his. Whoever holds the person's id (from an invite
link or a code shown face to face) can check everything else offline.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.ids import ConversationId, DeviceId, PersonId
from p2pchat.core.keys import SIGNATURE_SIZE, SigningKey, tagged_hash, verify
from p2pchat.errors import DecodeError, ProtocolError

VERSION: Final = 1
CERTIFICATE_VERSION: Final = 2  # 1 had no countersignature, and is refused
MAX_NAME: Final = 64  # bytes of UTF-8
MAX_CERTIFICATE: Final = 512
MAX_DEVICES: Final = 16
MAX_ADDRESSES: Final = 16
MAX_ADDRESS: Final = 256
MAX_MAILBOXES: Final = 3
MAX_CARD: Final = 8 * 1024
_CERTIFICATE: Final = "device certificate"
_COUNTERSIGNED: Final = "device certificate countersigned"
_CARD: Final = "card"
_CARD_VERSION: Final = 2

# Signal's numeric fingerprint, version 2 (libsignal: NumericFingerprintGenerator): iterated hashing
# makes a search for a colliding key 5200 times dearer.
_FINGERPRINT_ROUNDS: Final = 5200
_FINGERPRINT_GROUPS: Final = 6


@dataclass(frozen=True)
class DeviceCertificate:
    """A person's word that a device is his, and which Olm identity key it uses; and the device's word."""

    person: PersonId
    device: DeviceId
    olm_identity: bytes  # Curve25519, 32 bytes
    created_ms: int
    signature: bytes  # of the person
    countersignature: bytes  # of the device

    @classmethod
    def issue(cls, root: SigningKey, device: SigningKey, olm_identity: bytes, created_ms: int) -> Self:
        """A certificate made by the person whose root key is `root`, and by the `device` itself."""
        person, id = PersonId(root.public), DeviceId(device.public)
        body = _certificate_body(person, id, olm_identity, created_ms)
        signature, countersignature = root.sign(_CERTIFICATE, body), device.sign(_COUNTERSIGNED, body)
        return cls(person, id, olm_identity, created_ms, signature, countersignature)

    @classmethod
    def renew(cls, raw: bytes, root: SigningKey, device: SigningKey) -> Self:
        """The own certificate `raw`, of this or an earlier version, as this version has it.

        Raises:
            DecodeError: malformed.
        """
        parts = fields.items(decode(raw, limit=MAX_CERTIFICATE), most=3)
        body = fields.blob(parts[0] if parts else None, most=256)
        _, _, _, olm_identity, created_ms = fields.array(decode(body, limit=256), 5)
        return cls.issue(
            root, device, fields.blob(olm_identity, least=32, most=32), fields.integer(created_ms)
        )

    def encode(self) -> bytes:
        """The certificate as it travels."""
        body = _certificate_body(self.person, self.device, self.olm_identity, self.created_ms)
        return encode([body, self.signature, self.countersignature])

    @classmethod
    def decode(cls, raw: bytes) -> DeviceCertificate:
        """The certificate in `raw`, both signatures checked.

        Raises:
            ProtocolError: malformed, or not signed by the person and the device that it names.
        """
        return _certificate(raw)  # every card of a person brings it again

    @classmethod
    def _decode(cls, raw: bytes) -> Self:
        body_value, *signatures = fields.array(decode(raw, limit=MAX_CERTIFICATE), 3)
        body = fields.blob(body_value, most=256)
        signature, countersignature = (
            fields.blob(value, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE) for value in signatures
        )
        version, person, device, olm_identity, created_ms = fields.array(decode(body, limit=256), 5)
        if fields.integer(version) != CERTIFICATE_VERSION:
            raise DecodeError("unknown certificate version")
        certificate = cls(
            fields.identifier(person, PersonId),
            fields.identifier(device, DeviceId),
            fields.blob(olm_identity, least=32, most=32),
            fields.integer(created_ms),
            signature,
            countersignature,
        )
        verify(certificate.person, _CERTIFICATE, body, signature)
        verify(certificate.device, _COUNTERSIGNED, body, countersignature)
        return certificate


@lru_cache(maxsize=256)
def _certificate(raw: bytes) -> DeviceCertificate:
    return DeviceCertificate._decode(raw)


@dataclass(frozen=True, slots=True)
class MailboxKeys:
    """What is needed to leave something for a device that is away (core/mailbox)."""

    device: DeviceId
    parcels: bytes  # X25519: parcels are sealed to it
    box: bytes  # Ed25519: names the device's box at every mailbox


@dataclass(frozen=True)
class Card:
    """What a person says of himself; a higher version replaces a lower one."""

    person: PersonId
    version: int
    name: str
    devices: tuple[DeviceCertificate, ...]
    addresses: tuple[tuple[DeviceId, str], ...]  # where a device was last reachable, best first
    issued_ms: int
    mailboxes: tuple[str, ...] = ()  # full multiaddrs of nodes that keep parcels for the devices
    mailbox_keys: tuple[MailboxKeys, ...] = ()

    def keys_of(self, device: DeviceId) -> MailboxKeys | None:
        """The mailbox keys of a device; None if it has none."""
        return next((keys for keys in self.mailbox_keys if keys.device == device), None)

    def sign(self, root: SigningKey) -> bytes:
        """The card as it travels, signed by the person."""
        body = encode(
            [
                _CARD_VERSION,
                self.person,
                self.version,
                self.name,
                [certificate.encode() for certificate in self.devices],
                [[device, address] for device, address in self.addresses],
                self.issued_ms,
                list(self.mailboxes),
                [[keys.device, keys.parcels, keys.box] for keys in self.mailbox_keys],
            ]
        )
        return encode([body, root.sign(_CARD, body)])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The card in `raw`: its signature, and those of the certificates in it, are checked.

        Raises:
            ProtocolError: malformed, not signed by the person it names, or holding a certificate of
                somebody else.
        """
        body_value, signature_value = fields.array(decode(raw, limit=MAX_CARD), 2)
        body = fields.blob(body_value, most=MAX_CARD)
        signature = fields.blob(signature_value, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE)
        version, *values = fields.items(decode(body, limit=MAX_CARD), most=9) or [None]
        if version == VERSION:  # without mailboxes
            values += [[], []]
        elif version != _CARD_VERSION:
            raise DecodeError("unknown card version")
        person_value, number, name, certificates, addresses, issued_ms, mailboxes, keys = fields.array(
            values, 8
        )
        person = fields.identifier(person_value, PersonId)
        verify(person, _CARD, body, signature)
        devices = tuple(
            DeviceCertificate.decode(fields.blob(item, most=MAX_CERTIFICATE))
            for item in fields.items(certificates, most=MAX_DEVICES)
        )
        if any(certificate.person != person for certificate in devices):
            raise ProtocolError("the card holds a device of somebody else")
        return cls(
            person,
            fields.integer(number, low=1),
            clean_name(fields.text(name, least=1, most=MAX_NAME)),
            devices,
            tuple(_address(item) for item in fields.items(addresses, most=MAX_ADDRESSES)),
            fields.integer(issued_ms),
            tuple(
                fields.text(item, least=1, most=MAX_ADDRESS)
                for item in fields.items(mailboxes, most=MAX_MAILBOXES)
            ),
            tuple(_mailbox_keys(item) for item in fields.items(keys, most=MAX_DEVICES)),
        )


def clean_name(name: str) -> str:
    """`name` as a person may call himself or another: printable, one line, no outer blanks.

    Raises:
        DecodeError: nothing readable is left, or it is too long.
    """
    cleaned = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not cleaned or len(cleaned.encode()) > MAX_NAME:
        raise DecodeError(f"a name has 1 to {MAX_NAME} bytes of printable text")
    return cleaned


@lru_cache(maxsize=1024)
def direct_conversation(one: PersonId, other: PersonId) -> ConversationId:
    """The log that two persons share; both compute the same."""
    return ConversationId(tagged_hash("direct conversation", *sorted((one, other))))


def fingerprint(person: PersonId) -> str:
    """100 bits of a person's key for reading aloud, such as `k3ha-7qpl-...`."""
    letters = person.text[:20]
    return "-".join(letters[i : i + 4] for i in range(0, 20, 4))


def safety_number(one: PersonId, other: PersonId) -> str:
    """60 digits that two persons compare to know that nobody stands between them."""
    return " ".join(sorted((_digits(one), _digits(other))))


@lru_cache(maxsize=1024)
def _digits(person: PersonId) -> str:
    state = VERSION.to_bytes(2, "big") + person
    for _ in range(_FINGERPRINT_ROUNDS):
        state = hashlib.sha512(state + person).digest()
    chunks = (state[i * 5 : i * 5 + 5] for i in range(_FINGERPRINT_GROUPS))
    return " ".join(f"{int.from_bytes(chunk, 'big') % 100_000:05d}" for chunk in chunks)


def _certificate_body(person: PersonId, device: DeviceId, olm_identity: bytes, created_ms: int) -> bytes:
    return encode([CERTIFICATE_VERSION, person, device, olm_identity, created_ms])


def _address(value: fields.Value) -> tuple[DeviceId, str]:
    device, address = fields.array(value, 2)
    return fields.identifier(device, DeviceId), fields.text(address, least=1, most=MAX_ADDRESS)


def _mailbox_keys(value: fields.Value) -> MailboxKeys:
    device, parcels, box = fields.array(value, 3)
    return MailboxKeys(
        fields.identifier(device, DeviceId),
        fields.blob(parcels, least=32, most=32),
        fields.blob(box, least=32, most=32),
    )
