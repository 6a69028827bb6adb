"""`p2pchat split`: a bill that you paid, shared among members of a group."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.iou_lines import iou_lines
from p2pchat_cli.options import AmountArgument, GroupArgument, amount_and_note, session_of
from p2pchat_cli.style import bold

_Mode: TypeAlias = Literal["equal", "shares", "percent", "exact"]


def split(
    ctx: typer.Context,
    group: GroupArgument,
    words: AmountArgument,
    people: Annotated[
        str | None,
        typer.Option("--with", metavar="WHO,...", help="Who shares it with you [default: all members]."),
    ] = None,
    shares: Annotated[
        str | None,
        typer.Option(metavar="WHO=N,...", help="Numbers of shares, for you as me=N; 1 unless told."),
    ] = None,
    percent: Annotated[
        str | None,
        typer.Option(metavar="WHO=P,...", help="Percentages, for you as me=P; 100 in all."),
    ] = None,
    exact: Annotated[
        str | None,
        typer.Option(metavar="WHO=AMOUNT,...", help="Exact amounts, for you as me=AMOUNT; the bill in all."),
    ] = None,
) -> None:
    """Equal parts unless you say otherwise; who bears a cent that does not divide is drawn by lot."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    mode, parts = _division({"shares": shares, "percent": percent, "exact": exact})
    sharers = _words(people or "")
    params = s.Split(group=group, amount=amount, note=note, people=sharers, mode=mode, parts=parts)
    bill = session.call("iou.split", params, s.SplitResult)
    session.answer(
        bill, [f"You paid {bold(bill.total)}; your own share is {bill.own_share}.", *iou_lines(bill.ious)]
    )


def _division(options: dict[_Mode, str | None]) -> tuple[_Mode, dict[str, str]]:
    given = [(mode, text) for mode, text in options.items() if text is not None]
    if not given:
        return "equal", {}
    if len(given) > 1:
        raise UsageError("A bill is split by shares, by percent or by exact amounts, in one way only.")
    mode, text = given[0]
    parts: dict[str, str] = {}
    for word in _words(text):
        who, part = (side.strip() for side in word.partition("=")[::2])
        if not who or not part:
            raise UsageError(f"'{word}' is not a name and a number: write it like --{mode} bob=2,carol=1.")
        if who in parts:
            raise UsageError(f"{who} is named twice.")
        parts[who] = part
    return mode, parts


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
