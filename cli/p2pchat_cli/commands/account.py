"""`p2pchat ledger history` and `plot`: how an account came to stand where it stands."""

from __future__ import annotations

import shutil
import time
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.core.ledger.books.plot import plot as draw
from p2pchat.core.ledger.money import plain_number
from p2pchat.core.ledger.units import Unit
from p2pchat_cli.commands.ledger import UnitOption
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.options import complete_contact, session_of
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import columns, width

_HEIGHT: Final = 12
_LEAST_WIDTH: Final = 20
MaybeWho = Annotated[
    str | None,
    typer.Argument(metavar="[WHO]", help="Only this contact.", autocompletion=complete_contact),
]


def history(
    ctx: typer.Context,
    who: MaybeWho = None,
    unit: UnitOption = None,
    category: Annotated[
        str | None, typer.Option("--category", metavar="WORD", help="Only lines of this category.")
    ] = None,
) -> None:
    """The oldest line first, each with the balance after it; what does not count is shown in grey."""
    session = session_of(ctx)
    found = session.call("ledger.register", s.RegisterQuery(who=who, unit=unit), s.Registers)
    lines: list[str] = []
    for register in found.registers:
        lines.append(f"{accent(register.who)}, {register.unit}")
        wanted = [line for line in register.lines if category in (None, line.category)]
        lines += columns([_row(line, register) for line in wanted]) or [dim("nothing")]
        if category is not None:
            total = sum(line.minor for line in wanted if line.counts)
            lines.append(f"{category}: {bold(_amount(total, register))}")
    session.answer(found, lines)


def plot(ctx: typer.Context, who: MaybeWho = None, unit: UnitOption = None) -> None:
    """Above the line they owe you, below it you owe them."""
    session = session_of(ctx)
    found = session.call("ledger.register", s.RegisterQuery(who=who, unit=unit), s.Registers)
    lines: list[str] = []
    for register in found.registers:
        lines += _plot(register, shutil.get_terminal_size().columns)
    session.answer(found, lines)


def _plot(register: s.Register, room: int) -> list[str]:
    points = [(line.at_ms, line.balance) for line in register.lines if line.counts]
    title = f"{accent(register.who)}, {register.unit}: {bold(_amount(register.balance, register))}"
    if not points:
        return [title, dim("nothing counts yet")]
    top, bottom = (_amount(edge, register) for edge in (max(0, *_values(points)), min(0, *_values(points))))
    margin = max(width(top), width(bottom))
    body = draw(points, width=max(room - margin - 2, _LEAST_WIDTH), height=_HEIGHT)
    labels = [top, *[""] * (_HEIGHT - 2), bottom]
    first, last = (time.strftime("%Y-%m-%d", time.localtime(at / 1000)) for at, _ in (points[0], points[-1]))
    dates = f"{first}{last:>{max(len(body[0]) - len(first), len(last) + 1)}}"
    rows = [f"{label:>{margin}} ┤{line}".rstrip() for label, line in zip(labels, body, strict=True)]
    return [title, *rows, dim(" " * (margin + 2) + dates)]


def _values(points: list[tuple[int, int]]) -> list[int]:
    return [value for _at, value in points]


def _row(line: s.RegisterLine, register: s.Register) -> tuple[str, ...]:
    amount = good(line.amount) if line.minor > 0 else bad(line.amount)
    beside = [line.note or line.reason, dim(f"due {line.due}") if line.due else ""]
    beside.append(bad("disputed") if line.disputed else "")
    return (
        time.strftime("%Y-%m-%d", time.localtime(line.at_ms / 1000)),
        dim(line.id[:SHORT_ID]),
        amount if line.counts else dim(line.amount),
        line.status,
        bold(_amount(line.balance, register)) if line.counts else "",
        "  ".join(part for part in beside if part),
    )


def _amount(minor: int, register: s.Register) -> str:
    return plain_number(minor, Unit("own", register.unit, register.scale))
