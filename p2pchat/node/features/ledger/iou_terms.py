"""What stands in an IOU beside the amount: a note, a due date, files, and the rate of a foreign amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from p2pchat.core.ledger.attachments import attach
from p2pchat.core.ledger.conversion import convert
from p2pchat.core.ledger.details import Conversion, Purpose, Reason
from p2pchat.core.ledger.money import Amount, parse_amount, parse_unit
from p2pchat.errors import UsageError


@dataclass(frozen=True, slots=True)
class Terms:
    """As a person typed them; everything may be left out."""

    note: str = ""
    due: str | None = None  # YYYY-MM-DD, a day in `zone`
    zone: str = "UTC"  # an IANA name
    into: str | None = None  # the unit of the account, if the amount is in another one
    rate: str | None = None  # what one whole of the amount's unit is worth in `into`
    files: Mapping[str, str] = field(default_factory=dict)  # SHA-256 in hex, by name


@dataclass(frozen=True, slots=True)
class Stated:
    """What is to be signed."""

    amount: Amount
    purpose: Purpose
    note: str


def state(amount: str | Amount, terms: Terms, reason: Reason = Reason.IOU) -> Stated:
    """`amount` with its terms, checked.

    Raises:
        UsageError: something is malformed; the sentence says what.
    """
    typed = amount if isinstance(amount, Amount) else parse_amount(amount)
    counted, conversion = converted(typed, terms.into, terms.rate)
    due, zone = (_day(terms.due), _zone(terms.zone)) if terms.due else (None, None)
    purpose = Purpose(reason, due, zone, conversion=conversion)
    return Stated(counted, purpose, attach(terms.note, terms.files))


def converted(amount: Amount, into: str | None, rate: str | None) -> tuple[Amount, Conversion | None]:
    """`amount` in the unit `into` at `rate`; itself if neither is given. Raises UsageError."""
    if into is None and rate is None:
        return amount, None
    if into is None or rate is None:
        raise UsageError("a foreign amount needs the unit of the account and the rate: --in EUR --rate 0.92")
    return convert(amount, parse_unit(into), rate)


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no day: write it like 2026-12-24") from error
    return day.isoformat()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"'{name}' is no time zone: write it like Europe/Berlin") from error
    return name
