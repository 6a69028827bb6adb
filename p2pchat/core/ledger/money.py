"""Amounts: integers of a unit's smallest part, read from what people type, exact or refused.

No float and no rounding anywhere: a text with more digits than the unit has is refused, never cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from p2pchat.core.ledger.units import Unit, is_tender, iso_unit, own_unit
from p2pchat.errors import UsageError

MAX_MINOR: Final = 2**53  # exclusive; below it every JSON reader keeps the integer exact
_EXAMPLE: Final = "write it like 12.50 EUR or 3 beer"
_NUMBER: Final = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?\Z")
_MAX_DIGITS: Final = 16  # of the largest amount
_SIGNS: Final = {"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₽": "RUB", "₴": "UAH", "₩": "KRW"}
_NO_UNITS: Final[Mapping[str, Unit]] = {}


class Amount(msgspec.Struct, frozen=True):
    """A positive amount: `minor` smallest parts of `unit`, from 1 to 2**53 - 1."""

    minor: int
    unit: Unit

    def __post_init__(self) -> None:
        if type(self.minor) is not int or not 0 < self.minor < MAX_MINOR:
            raise UsageError(f"An amount lies between 1 and {MAX_MINOR - 1} of its smallest part")

    def __str__(self) -> str:
        return f"{plain_number(self.minor, self.unit)} {self.unit}"


def parse_amount(text: str, own_units: Mapping[str, Unit] = _NO_UNITS) -> Amount:
    """The amount that `text` states, such as `12.50 EUR`, `12,50 EUR`, `EUR 12.50` or `3 beer`.

    A lower-case word is a unit of your own; one that is not in `own_units` has no decimals.

    Raises:
        UsageError: anything that is not exactly one amount above zero; its text says what to write.
    """
    parts = text.split()
    for sign in _SIGNS.keys() & set(text):
        raise UsageError(f"'{sign}' is not how a unit is written here: write {_SIGNS[sign]}")
    if len(parts) > 1 and all(map(_starts_a_number, parts[:2])):
        raise UsageError(f"'{text}' has a space inside the number: {_EXAMPLE}")
    if len(parts) != 2:
        raise UsageError(f"'{text}' is not an amount and a unit: {_EXAMPLE}")
    number, word = parts if _starts_a_number(parts[0]) else reversed(parts)
    unit = parse_unit(word, own_units)
    return Amount(_minor(number, unit, text), unit)


def parse_unit(word: str, own_units: Mapping[str, Unit] = _NO_UNITS) -> Unit:
    """The unit that `word` names: a currency in capitals, or a unit of your own in lower case.

    Raises:
        UsageError: an unknown currency, a word of another shape, or a lower-case currency code.
    """
    if word in own_units:
        return own_units[word]
    if len(word) == 3 and word.isascii() and word.isupper():
        if not is_tender(word):
            raise UsageError(
                f"'{word}' is no currency in use today; a unit of your own is written in lower case"
            )
        return iso_unit(word)
    unit = own_unit(word)
    if len(word) == 3 and is_tender(word.upper()):
        raise UsageError(f"'{word}' reads like a currency: write {word.upper()}, or choose another word")
    return unit


def plain_number(minor: int, unit: Unit) -> str:
    """`minor` with the unit's decimals and a full stop, the form that `parse_amount` reads back."""
    digits = str(abs(minor)).rjust(unit.scale + 1, "0")
    whole, decimals = digits[: len(digits) - unit.scale], digits[len(digits) - unit.scale :]
    return ("-" if minor < 0 else "") + whole + ("." + decimals if decimals else "")


def format_minor(minor: int, unit: Unit, locale: str = "en") -> str:
    """`minor` of `unit` with the grouping and the decimal sign of `locale`; may be zero or negative."""
    from babel.numbers import format_decimal  # slow to load

    pattern = "#,##0" + ("." + "0" * unit.scale if unit.scale else "")
    number = format_decimal(Decimal(plain_number(minor, unit)), format=pattern, locale=locale)
    return f"{number} {unit}"


def _starts_a_number(word: str) -> bool:
    return word[0].isdigit() or word[0] in "+-.,"


def _minor(number: str, unit: Unit, text: str) -> int:
    if number.startswith("-"):
        raise UsageError("An amount is above zero: to turn the direction around, use request instead of pay")
    if not number.isascii():
        raise UsageError("Write the amount with the digits 0 to 9")
    match = _NUMBER.match(number)
    if match is None:
        raise UsageError(f"'{text}' is not a plain number with at most one decimal sign: {_EXAMPLE}")
    whole, decimals = match[1], match[2] or ""
    if len(decimals) > unit.scale:
        allowed = f"at most {unit.scale} decimals" if unit.scale else "no decimals"
        raise UsageError(f"{unit} has {allowed}: '{number}' would have to be rounded")
    digits = (whole + decimals.ljust(unit.scale, "0")).lstrip("0")
    minor = int(digits[: _MAX_DIGITS + 1] or "0")
    if minor == 0:
        raise UsageError("An amount is above zero")
    if minor >= MAX_MINOR:
        raise UsageError(f"The largest amount is {plain_number(MAX_MINOR - 1, unit)} {unit}")
    return minor
