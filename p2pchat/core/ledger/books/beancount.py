"""A beancount ledger: https://beancount.github.io/docs/beancount_language_syntax.html.

What counts becomes transactions, the rest comments; a `balance` directive on the day after the last
line makes `bean-check` refuse the file if the sum differs.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from p2pchat.core.ledger.books.register import Line, Register
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.units import Unit

_MAX_COMMODITY: Final = 24


def ledger(register: Register) -> str:
    """`register` as a ledger; amounts on `Assets:IOU:NAME` are what the other owes me."""
    unit = register.account.unit
    if not register.lines:
        return f"; Nothing between me and {register.name} in {unit} yet.\n"
    account = _account(register)
    opened = register.lines[0].date
    last = date.fromisoformat(register.lines[-1].date)
    after = (last + timedelta(days=1)).isoformat() if last < date.max else last.isoformat()
    balance = f"{plain_number(register.balance, unit)} {_commodity(unit)}"
    lines = [
        f"; What {register.name} owes me in {unit}, account {register.account.id}.",
        f"{opened} commodity {_commodity(unit)}",
        f"{opened} open Assets:{account} {_commodity(unit)}",
        f"{opened} open Equity:{account} {_commodity(unit)}",
        "",
        *(_transaction(line, account, unit) for line in register.lines),
        f"{after} balance Assets:{account}  {balance}",
    ]
    return "\n".join(lines) + "\n"


def _transaction(line: Line, account: str, unit: Unit) -> str:
    amount = f"{plain_number(line.minor, unit)} {_commodity(unit)}"
    text = _string(line.text or line.reason)
    if not line.counts:
        return f"; {line.date} {text} {amount}, {line.status}, not counted (id {line.id})\n"
    return (
        f"{line.date} * {text}\n"
        f'  id: "{line.id}"\n'
        f'  status: "{line.status}"\n'
        f'  reason: "{line.reason}"\n'
        f"{_metadata(line)}"
        f"  Assets:{account}  {amount}\n"
        f"  Equity:{account}  {plain_number(-line.minor, unit)} {_commodity(unit)}\n"
    )


def _metadata(line: Line) -> str:
    due = f"  due: {line.due}\n" if line.due else ""
    category = f"  category: {_string(line.category)}\n" if line.category else ""
    return due + category + ('  disputed: "yes"\n' if line.disputed else "")


def _commodity(unit: Unit) -> str:
    # Commodities are capitals, digits and a few signs, 24 at most, and end in a letter or digit.
    if unit.kind == "iso":
        return unit.code
    return f"OWN.{unit.code.upper()}"[:_MAX_COMMODITY].rstrip("-")


def _account(register: Register) -> str:
    letters = re.sub(r"[^A-Za-z0-9]+", "-", register.name).strip("-")
    other = register.account.other(register.me)
    return "IOU:" + (letters[:1].upper() + letters[1:] if letters else other.short.upper())


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
