"""An hledger journal (also read by ledger): https://hledger.org/hledger.html, "Journal format".

What counts becomes transactions; the rest becomes comments, so that nothing is hidden. The last
transaction asserts the balance, and hledger refuses the file if the sum differs.
"""

from __future__ import annotations

import re
from typing import Final

from p2pchat.core.ledger.books.register import Line, Register
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.units import Unit

_PLAIN_COMMODITY: Final = re.compile(r"[A-Za-z]+\Z")


def journal(register: Register) -> str:
    """`register` as a journal; amounts on `assets:iou:NAME` are what the other owes me."""
    unit = register.account.unit
    account = _account(register.name)
    head = [
        f"; What {_comment(register.name)} owes me in {unit}, account {register.account.id}.",
        f"commodity {_directive(unit)}",
        "",
    ]
    body = [_transaction(line, account, unit) for line in register.lines]
    if register.lines:
        body.append(_assertion(register, account))
    return "\n".join([*head, *body])


def _transaction(line: Line, account: str, unit: Unit) -> str:
    first = f"{line.date} * ({line.id.short}) {_description(line)}"
    tags = f"    ; id: {line.id}, status: {line.status}, reason: {line.reason}{_extra_tags(line)}"
    if not line.counts:
        return f"; {first}\n; {tags}\n;     {_amount(line.minor, unit)}, not counted\n"
    return (
        f"{first}\n{tags}\n"
        f"    assets:{account}  {_amount(line.minor, unit)}\n"
        f"    equity:{account}  {_amount(-line.minor, unit)}\n"
    )


def _extra_tags(line: Line) -> str:
    due = f", due: {line.due}" if line.due else ""
    category = f", category: {_comment(line.category)}" if line.category else ""
    return due + category + (", disputed: yes" if line.disputed else "")


def _assertion(register: Register, account: str) -> str:
    unit = register.account.unit
    zero, balance = _amount(0, unit), _amount(register.balance, unit)
    date = register.lines[-1].date
    return f"{date} * balance agreed by the entries above\n    assets:{account}  {zero} = {balance}\n"


def _amount(minor: int, unit: Unit) -> str:
    return f"{plain_number(minor, unit)} {_commodity(unit)}"


def _directive(unit: Unit) -> str:
    # The sample must show a decimal mark even when there are no decimals.
    return f"1000.{'0' * unit.scale} {_commodity(unit)}"


def _commodity(unit: Unit) -> str:
    return unit.code if _PLAIN_COMMODITY.match(unit.code) else f'"{unit.code}"'


def _account(name: str) -> str:
    # Two blanks would end the name, a colon would split it, and a semicolon would begin a comment.
    return "iou:" + (re.sub(r"[:;()\[\]]", "-", name) or "unnamed")


def _description(line: Line) -> str:
    return _comment(line.text) or line.reason


def _comment(text: str) -> str:
    # A colon would make a tag, a comma would end one, and a bar would split payee and note.
    return re.sub(r"[;:,|]", " ", text).strip()
