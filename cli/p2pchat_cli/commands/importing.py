"""`p2pchat ledger import`: the sums of a Splitwise export, once everybody on it has a name here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.core.ledger.books.splitwise import MAX_CSV_LETTERS, Row, owed_to, read_splitwise
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import StoreError, UsageError
from p2pchat_cli.iou_lines import iou_lines
from p2pchat_cli.options import session_of
from p2pchat_cli.style import accent, bold, dim
from p2pchat_cli.text import columns, plural


class _Sum(s.Result):
    name: str
    who: str | None
    amount: str
    i_owe: bool


class _Preview(s.Result):
    sums: list[_Sum]


def splitwise(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV that Splitwise exported.")],
    me: Annotated[str, typer.Option("--me", metavar="NAME", help="Who you are in it.", show_default=False)],
    who: Annotated[
        list[str] | None,
        typer.Option("--who", metavar="NAME=CONTACT", help="Who somebody in it is here; repeatable."),
    ] = None,
    enter: Annotated[bool, typer.Option("--enter", help="Enter the sums, instead of showing them.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also if the file was imported before.")] = False,
) -> None:
    """Nothing is entered without --enter; then you sign what you owe, and ask for what you are owed."""
    session = session_of(ctx)
    data, rows = _read(file)
    known = {name for row in rows for name in row.changes}
    if me not in known:
        raise UsageError(f"Nobody in this file is called '{me}': it has {', '.join(sorted(known))}.")
    contacts = _contacts(who or [], known)
    sums = [_sum(name, unit, minor, contacts) for (name, unit), minor in owed_to(rows, me).items()]
    if not enter:
        end = f"{plural(len(rows), 'row')} of {file}; nothing was entered: --enter does it."
        session.answer(_Preview(sums=sums), [*columns([_row(one) for one in sums]), dim(end)])
        return
    missing = sorted({one.name for one in sums if one.who is None})
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(f"Say who {' and '.join(missing)} {verb} here: --who '{missing[0]}=CONTACT'.")
    entered = [
        s.ImportedSum(who=one.who or "", amount=one.amount, i_owe=one.i_owe, note="Splitwise") for one in sums
    ]
    params = s.Import(digest=hashlib.sha256(data).digest(), sums=entered, again=again)
    made = session.call("ledger.import", params, s.Ious)
    session.answer(made, iou_lines(made.ious) or ["By this file nobody owes you anything, nor you them."])


def _read(file: Path) -> tuple[bytes, list[Row]]:
    try:
        if file.stat().st_size > 4 * MAX_CSV_LETTERS:
            raise UsageError("This file is too large for a Splitwise export.")
        data = file.read_bytes()
        return data, read_splitwise(data.decode("utf-8"))
    except OSError as error:
        raise StoreError(f"The file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError("This file is not text.") from error


def _contacts(given: list[str], known: set[str]) -> dict[str, str]:
    contacts = {}
    for text in given:
        name, found, contact = (part.strip() for part in text.partition("="))
        if not found or not contact or name not in known:
            raise UsageError(f"'{text}' names nobody in this file: write it like --who 'Bob Smith=bob'.")
        contacts[name] = contact
    return contacts


def _sum(name: str, unit: Unit, minor: int, contacts: dict[str, str]) -> _Sum:
    amount = f"{plain_number(abs(minor), unit)} {unit}"
    return _Sum(name=name, who=contacts.get(name), amount=amount, i_owe=minor < 0)


def _row(one: _Sum) -> tuple[str, ...]:
    who = f"{one.name} ({accent(one.who)})" if one.who else f"{one.name} (who is that here?)"
    return (f"you owe {who}" if one.i_owe else f"{who} owes you"), bold(one.amount)
