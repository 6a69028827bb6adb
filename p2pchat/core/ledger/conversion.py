"""Foreign currency: the original amount and the rate stand inside the signed entry.

The amount in the account's unit is what binds; the conversion says where it came from. Rounding is to
the nearest smallest part, ties to the even one, once.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

from p2pchat.core.ledger.details import Conversion
from p2pchat.core.ledger.money import Amount
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import UsageError

_RATE: Final = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,6}))?\Z")


def convert(foreign: Amount, unit: Unit, rate: str) -> tuple[Amount, Conversion]:
    """`foreign` in `unit`, and the conversion to put into the entry.

    `rate` is what one whole of the foreign unit is worth, such as "0.92".

    Raises:
        UsageError: the rate is no plain number above zero with at most six decimals, the units are the
            same, or less than one smallest part comes out.
    """
    match = _RATE.match(rate)
    if match is None or foreign.unit == unit:
        raise UsageError(f"'{rate}' is no rate between two units: write it like 0.92")
    decimals = match[2] or ""
    value = Fraction(int(match[1] + decimals), 10 ** len(decimals))
    if not value:
        raise UsageError("A rate is above zero")
    conversion = Conversion(foreign.minor, foreign.unit, value.numerator, value.denominator)
    return Amount(_converted(conversion, unit), unit), conversion


def decimal(rate: Fraction) -> str:
    """A rate as it is typed, to at most ten decimals."""
    return f"{Decimal(rate.numerator) / Decimal(rate.denominator):.10f}".rstrip("0").rstrip(".")


def is_consistent(conversion: Conversion, minor: int, unit: Unit) -> bool:
    """Whether `minor` of `unit` is what the conversion comes to; show the entry with a warning if not."""
    return _converted(conversion, unit) == minor


def _converted(conversion: Conversion, unit: Unit) -> int:
    parts_from: int = 10**conversion.unit.scale
    parts_to: int = 10**unit.scale
    return round(
        Fraction(conversion.foreign * conversion.numerator * parts_to, conversion.denominator * parts_from)
    )
