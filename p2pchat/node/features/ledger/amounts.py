"""Amounts that may be nothing, as a limit or somebody's part of a bill."""

from __future__ import annotations

import re
from typing import Final

from p2pchat.core.ledger.money import parse_amount, parse_unit
from p2pchat.core.ledger.units import Unit

_NOTHING: Final = re.compile(r"0+(?:[.,]0+)?\Z")


def parse_bound(text: str) -> tuple[int, Unit]:
    """An amount such as `12.50 EUR`, or `0 EUR`, in smallest parts of its unit. Raises UsageError."""
    number, _, word = text.partition(" ")
    if _NOTHING.match(number) and word.strip():
        return 0, parse_unit(word.strip())
    amount = parse_amount(text)
    return amount.minor, amount.unit
