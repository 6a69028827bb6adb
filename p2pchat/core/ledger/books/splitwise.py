"""Reading the CSV that Splitwise exports for a group or a friend.

Columns: Date, Description, Category, Cost, Currency, then one per person with what the row changed for
him: above zero he gets money back, below zero he owes. The last row, "Total balance", is left out.
Nothing of it binds anybody here: the sums are what to request, or to concede, once.
"""

from __future__ import annotations

import csv
import io
from typing import Final

import msgspec

from p2pchat.core.ledger.money import MAX_MINOR
from p2pchat.core.ledger.units import Unit, is_tender, iso_unit
from p2pchat.errors import UsageError

MAX_CSV_LETTERS: Final = 16 * 1024 * 1024
_FIXED: Final = ("Date", "Description", "Category", "Cost", "Currency")
_TOTAL: Final = "Total balance"


class Row(msgspec.Struct, frozen=True):
    """One expense or payment: what it changed for each person, in smallest parts; the sum is zero."""

    date: str
    description: str
    category: str
    unit: Unit
    changes: dict[str, int]


def read_splitwise(text: str) -> list[Row]:
    """The rows of a Splitwise export, oldest first as they stand there.

    Raises:
        UsageError: it is no such export, or a row does not add up; the sentence names the line.
    """
    if len(text) > MAX_CSV_LETTERS:
        raise UsageError("This file is too large for a Splitwise export")
    try:
        lines = [line for line in csv.reader(io.StringIO(text.lstrip("\ufeff"))) if any(line)]
    except csv.Error as error:
        raise UsageError("This is no Splitwise export: it is not CSV") from error
    if not lines or tuple(lines[0][: len(_FIXED)]) != _FIXED or len(lines[0]) < len(_FIXED) + 2:
        raise UsageError(f"This is no Splitwise export: its first line begins {', '.join(_FIXED)}")
    names = lines[0][len(_FIXED) :]
    if len(set(names)) != len(names):
        raise UsageError("Two people in this export have the same name: rename one in Splitwise first")
    rows = [(number, line) for number, line in enumerate(lines[1:], start=2) if line[1:2] != [_TOTAL]]
    return [_row(number, line, names) for number, line in rows]


def owed_to(rows: list[Row], me: str) -> dict[tuple[str, Unit], int]:
    """What each other person owes `me` by these rows, by unit; below zero I owe. Zeros are left out.

    Where several people paid for one row, those who owe for it are matched with them in the order of
    their names, so that every sum stays exact.
    """
    sums: dict[tuple[str, Unit], int] = {}
    for row in rows:
        for debtor, creditor, minor in _debts(row):
            if creditor == me:
                sums[debtor, row.unit] = sums.get((debtor, row.unit), 0) + minor
            elif debtor == me:
                sums[creditor, row.unit] = sums.get((creditor, row.unit), 0) - minor
    return {who: minor for who, minor in sums.items() if minor}


def _row(number: int, line: list[str], names: list[str]) -> Row:
    if len(line) != len(_FIXED) + len(names):
        raise UsageError(
            f"Line {number} of the export has {len(line)} columns, not {len(_FIXED) + len(names)}"
        )
    date, description, category, _cost, currency, *cells = line
    if len(currency) != 3 or not is_tender(currency):
        raise UsageError(f"Line {number} of the export is in '{currency}', which is no currency in use")
    unit = iso_unit(currency)
    changes = {name: _minor(cell, unit, number) for name, cell in zip(names, cells, strict=True)}
    if sum(changes.values()):
        raise UsageError(f"Line {number} of the export does not add up to zero")
    return Row(date, description, category, unit, {name: minor for name, minor in changes.items() if minor})


def _minor(cell: str, unit: Unit, number: int) -> int:
    sign = -1 if cell.startswith("-") else 1
    whole, _point, decimals = cell.removeprefix("-").partition(".")
    if not (cell.isascii() and whole.isdigit() and (decimals.isdigit() or not decimals)):
        raise UsageError(f"Line {number} of the export holds '{cell}' where an amount belongs")
    if decimals[unit.scale :].strip("0"):
        raise UsageError(f"Line {number} of the export has more decimals than {unit} has")
    minor = int(whole + decimals[: unit.scale].ljust(unit.scale, "0"))
    if minor >= MAX_MINOR:
        raise UsageError(f"Line {number} of the export holds an amount that is too large")
    return sign * minor


def _debts(row: Row) -> list[tuple[str, str, int]]:
    """(debtor, creditor, minor) such that each one's change is exactly the sum of his debts and claims."""
    claims = {name: minor for name, minor in sorted(row.changes.items()) if minor > 0}
    debts = []
    for debtor, change in sorted(row.changes.items()):
        owed = -change
        for creditor in claims:
            part = min(owed, claims[creditor])
            if part > 0:
                debts.append((debtor, creditor, part))
                claims[creditor] -= part
                owed -= part
    return debts
