"""Units of account: ISO 4217 currencies and units that two people make up, such as beer or hours.

A unit is part of the account id, so both sides must write it in exactly the same way. The number of
decimals of a currency therefore comes from a table in this file, and not from CLDR, whose digits are
meant for display and change from release to release. Source: ISO 4217:2015, list one, minor units.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from p2pchat.core import fields
from p2pchat.core.codec import Value
from p2pchat.errors import DecodeError, UsageError

MAX_SCALE: Final = 9  # nano-units; 2**53 of them are still nine million wholes
_USUAL_SCALE: Final = 2
_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_ISO_SCALES: Final[dict[str, int]] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_ISO_CODE: Final = re.compile(r"[A-Z]{3}\Z")
_OWN_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,23}\Z")
_ISSUER_SIZE: Final = 32


class Unit(msgspec.Struct, frozen=True):
    """What an amount counts.

    `scale` is the number of decimals: an amount of 1250 at scale 2 is written 12.50. `issuer` is an
    optional 32-byte hash of the text that defines an own unit ("one beer of 0.5 l at the Anchor").
    """

    kind: Literal["iso", "own"]
    code: str
    scale: int
    issuer: bytes | None = None

    def __str__(self) -> str:
        return self.code


def iso_unit(code: str) -> Unit:
    """The currency with the ISO 4217 `code`; the shape of the code is checked, not its existence.

    Raises:
        UsageError: `code` is not three capital letters.
    """
    if not _ISO_CODE.match(code):
        raise UsageError(f"'{code}' is no currency code: write three capital letters such as EUR")
    return Unit("iso", code, _ISO_SCALES.get(code, _USUAL_SCALE))


def own_unit(code: str, scale: int = 0, issuer: bytes | None = None) -> Unit:
    """A unit of your own.

    Raises:
        UsageError: `code` is not one lower-case word of at most 24 ASCII letters, digits and hyphens,
            or `scale` is not from 0 to 9.
    """
    if not _OWN_CODE.match(code):
        raise UsageError(
            f"'{code}' is no unit: write a currency such as EUR, or one word in lower case such as beer"
        )
    if not 0 <= scale <= MAX_SCALE:
        raise UsageError(f"A unit has 0 to {MAX_SCALE} decimals, not {scale}")
    return Unit("own", code, scale, issuer)


def is_tender(code: str) -> bool:
    """Whether the currency `code` is legal tender somewhere today, as CLDR knows it."""
    from babel.core import get_global  # slow; needed when a person types a currency, at no other time

    territories = get_global("territory_currencies").values()
    return any(
        code == name and until is None and tender
        for currencies in territories
        for name, _since, until, tender in currencies
    )


def unit_value(unit: Unit) -> Value:
    """`unit` as CBOR: `[kind, code, scale, issuer or null]`."""
    return [unit.kind, unit.code, unit.scale, unit.issuer]


def read_unit(value: Value) -> Unit:
    """The unit that `value` encodes.

    Raises:
        DecodeError: it is not the one encoding of a unit; a currency's scale must be ISO's.
    """
    kind, code, scale, issuer = fields.array(value, 4)
    name = fields.text(code, least=1, most=24)
    decimals = fields.integer(scale, high=MAX_SCALE + 1)
    if kind == "iso" and issuer is None and _ISO_CODE.match(name) and iso_unit(name).scale == decimals:
        return iso_unit(name)
    if kind == "own" and _OWN_CODE.match(name):
        text_hash = None if issuer is None else fields.blob(issuer, least=_ISSUER_SIZE, most=_ISSUER_SIZE)
        return Unit("own", name, decimals, text_hash)
    raise DecodeError("not a unit of account")
