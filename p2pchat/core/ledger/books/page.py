"""A statement to read and print: one HTML page with no script and nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import accumulate
from typing import Final

from p2pchat.core.ledger.attachments import detach
from p2pchat.core.ledger.books.register import Line, Register
from p2pchat.core.ledger.money import format_minor

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.3rem .5rem;border-bottom:1px solid #ccc;"
    "text-align:left}.n{text-align:right;white-space:nowrap}.off{color:#666}small{color:#666}"
    "@page{margin:2cm}@media print{body{font-size:11pt;margin:0;max-width:none;padding:0}"
    "thead{display:table-header-group}tr,li{break-inside:avoid}}"
)


def page(
    register: Register, *, proven: Sequence[str] = (), not_proven: Sequence[str] = (), locale: str = "en"
) -> str:
    """`register` as a page; `proven` and `not_proven` are the sentences of a `verify.Report`."""
    unit = register.account.unit
    name = escape(register.name)
    title = f"{name} and I, in {escape(unit.code)}"
    balances = accumulate(line.minor if line.counts else 0 for line in register.lines)
    rows = "".join(
        _row(line, balance, register, locale) for line, balance in zip(register.lines, balances, strict=True)
    )
    return (
        f'<!doctype html><html lang="{escape(locale)}"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{_verdict(register, locale)}</p>"
        "<table><thead><tr><th>Date<th>What<th>State<th class=n>Amount<th class=n>Balance</tr></thead>"
        f"<tbody>{rows}</tbody></table>{_categories(register, locale)}"
        f"{_sentences('What this proves', proven)}{_sentences('What it does not prove', not_proven)}"
        f"<p><small>Amounts above zero are what {name} owes me. Dates are those of the writers' clocks."
        f" This records debts and moves no money. Account {register.account.id}.</small></p></html>\n"
    )


def _verdict(register: Register, locale: str) -> str:
    name, balance = escape(register.name), register.balance
    if balance == 0:
        return "We are even."
    amount = escape(format_minor(abs(balance), register.account.unit, locale))
    return f"{name} owes me <b>{amount}</b>." if balance > 0 else f"I owe {name} <b>{amount}</b>."


def _row(line: Line, balance: int, register: Register, locale: str) -> str:
    words, files = detach(line.text)
    what = escape(words or line.reason)
    extra = [
        line.category,
        *files,
        f"due {line.due}" if line.due else "",
        "disputed" if line.disputed else "",
    ]
    small = escape(", ".join(part for part in extra if part))
    amount = escape(format_minor(line.minor, register.account.unit, locale))
    shade = "" if line.counts else " class=off"
    stands = escape(format_minor(balance, register.account.unit, locale)) if line.counts else ""
    cells = f"<td>{line.date}<td>{what} <small>{small}</small><td>{line.status}"
    cells += f"<td class=n>{amount}<td class=n>{stands}"
    return f"<tr{shade}>{cells}</tr>"


def _categories(register: Register, locale: str) -> str:
    """What each category adds up to, if there are several."""
    sums: dict[str, int] = {}
    for line in register.lines:
        if line.counts:
            sums[line.category] = sums.get(line.category, 0) + line.minor
    if len(sums) < 2:
        return ""
    unit = register.account.unit
    rows = "".join(
        f"<tr><td>{escape(category) or 'without a category'}"
        f"<td class=n>{escape(format_minor(sums[category], unit, locale))}</tr>"
        for category in sorted(sums)
    )
    return f"<h2>By category</h2><table>{rows}</table>"


def _sentences(title: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    return f"<h2>{title}</h2><ul>" + "".join(f"<li>{escape(text)}" for text in sentences) + "</ul>"
