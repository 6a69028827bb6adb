"""What a person hands to somebody else as proof: entries, certificates, and nothing to trust.

Layout in docs/protocol/ledger.md, section 9. Everything that `verify` needs is inside; no node, no
store and no network take part.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import PersonId
from p2pchat.core.keys import SIGNATURE_SIZE
from p2pchat.core.ledger.entry import MAX_ENTRY_BYTES
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError

MAX_BUNDLE_BYTES: Final = 256 * 1024 * 1024
MAX_ENTRIES: Final = 1_000_000
MAX_CERTIFICATES: Final = 64
_MAGIC: Final = "p2pchat-ledger"
_VERSION: Final = 1


class BundleKind(StrEnum):
    """What a bundle is meant to show."""

    STATEMENT = "statement"  # a checkpoint that both signed
    RECEIPT = "receipt"  # one concession and its acceptance
    HISTORY = "history"  # all entries of an account
    EQUIVOCATION = "equivocation"  # two entries of one writer with one number


class Bundle(msgspec.Struct, frozen=True):
    """The parts of a proof as they were handed over, of the right shape but not verified.

    `entries` are pairs (raw, signature). In a history they stand in the order of arrival.
    """

    kind: BundleKind
    persons: tuple[PersonId, PersonId]
    unit: Unit
    certificates: tuple[bytes, ...]
    entries: tuple[tuple[bytes, bytes], ...]


def encode(bundle: Bundle) -> bytes:
    """The canonical bytes of `bundle`."""
    certificates: list[Value] = list(bundle.certificates)
    entries: list[Value] = [[raw, signature] for raw, signature in bundle.entries]
    persons: list[Value] = [bytes(person) for person in bundle.persons]
    return codec.encode(
        [_MAGIC, _VERSION, bundle.kind.value, persons, unit_value(bundle.unit), certificates, entries]
    )


def decode(data: bytes) -> Bundle:
    """The bundle whose one encoding is `data`.

    Raises:
        DecodeError: not a bundle.
    """
    magic, version, kind, persons, unit, certificates, entries = fields.array(
        codec.decode(data, limit=MAX_BUNDLE_BYTES), 7
    )
    if magic != _MAGIC or fields.integer(version) != _VERSION or kind not in tuple(BundleKind):
        raise DecodeError("not a proof from a p2pchat ledger, or one of a newer version")
    low, high = (fields.identifier(person, PersonId) for person in fields.array(persons, 2))
    if low >= high:
        raise DecodeError("the two persons are named in the order of their keys")
    return Bundle(
        kind=BundleKind(kind),
        persons=(low, high),
        unit=read_unit(unit),
        certificates=tuple(
            fields.blob(certificate, most=512)
            for certificate in fields.items(certificates, most=MAX_CERTIFICATES)
        ),
        entries=tuple(_entry(entry) for entry in fields.items(entries, most=MAX_ENTRIES)),
    )


def _entry(value: Value) -> tuple[bytes, bytes]:
    raw, signature = fields.array(value, 2)
    return (
        fields.blob(raw, least=1, most=MAX_ENTRY_BYTES),
        fields.blob(signature, least=SIGNATURE_SIZE, most=SIGNATURE_SIZE),
    )
