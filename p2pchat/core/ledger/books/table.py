"""A table for spreadsheets (CSV, RFC 4180), with a running balance of what counts."""

from __future__ import annotations

import csv
import io
from typing import Final

from p2pchat.core.ledger.books.register import Register
from p2pchat.core.ledger.money import plain_number

COLUMNS: Final = (
    "date",
    "amount",
    "unit",
    "status",
    "balance",
    "reason",
    "due",
    "category",
    "note",
    "disputed",
    "id",
)
_FORMULA_SIGNS: Final = ("=", "+", "-", "@")


def table(register: Register) -> str:
    """`register` as CSV; amounts above zero are what the other owes me."""
    unit = register.account.unit
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    balance = 0
    for line in register.lines:
        balance += line.minor if line.counts else 0
        writer.writerow(
            (
                line.date,
                plain_number(line.minor, unit),
                unit.code,
                line.status,
                plain_number(balance, unit),
                line.reason,
                line.due,
                _cell(line.category),
                _cell(line.text),
                "yes" if line.disputed else "",
                line.id.text,
            )
        )
    return out.getvalue()


def _cell(text: str) -> str:
    # A spreadsheet would run what begins like a formula, and others write these texts.
    return "'" + text if text.startswith(_FORMULA_SIGNS) else text
