"""`p2pchat split`: a bill that you paid, shared among members of a group."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.entry_options import CategoryOption, IntoOption, RateOption, with_category
from p2pchat_cli.iou_lines import iou_lines
from p2pchat_cli.options import AmountArgument, GroupArgument, amount_and_note, session_of
from p2pchat_cli.style import bold

_Mode: TypeAlias = Literal["equal", "shares", "percent", "exact", "itemised"]

WithOption = Annotated[
    str | None,
    typer.Option("--with", metavar="WHO,...", help="Who shares it with you [default: all members]."),
]
SharesOption = Annotated[
    str | None,
    typer.Option("--shares", metavar="WHO=N,...", help="Numbers of shares, for you as me=N; 1 unless told."),
]
PercentOption = Annotated[
    str | None,
    typer.Option("--percent", metavar="WHO=P,...", help="Percentages, for you as me=P; 100 in all."),
]
ExactOption = Annotated[
    str | None,
    typer.Option(
        "--exact", metavar="WHO=AMOUNT,...", help="Exact amounts, for you as me=AMOUNT; the bill in all."
    ),
]
ItemOption = Annotated[
    list[str] | None,
    typer.Option("--item", metavar="AMOUNT=WHO,...", help="A line of the bill, and who had it; repeatable."),
]
ExtraOption = Annotated[
    str | None,
    typer.Option(
        "--extra",
        metavar="AMOUNT",
        help="Tax and tip of an itemised bill, in proportion [default: the rest].",
    ),
]


def split(
    ctx: typer.Context,
    group: GroupArgument,
    words: AmountArgument,
    people: WithOption = None,
    shares: SharesOption = None,
    percent: PercentOption = None,
    exact: ExactOption = None,
    item: ItemOption = None,
    extra: ExtraOption = None,
    category: CategoryOption = None,
    into: IntoOption = None,
    rate: RateOption = None,
) -> None:
    """Equal parts unless you say otherwise; who bears a cent that does not divide is drawn by lot."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    divided = division(people, shares, percent, exact, item, extra, into, rate)
    params = s.Split(group=group, amount=amount, note=with_category(note, category), **divided)
    bill = session.call("iou.split", params, s.SplitResult)
    session.answer(bill, bill_lines(bill))


def bill_lines(bill: s.SplitResult) -> list[str]:
    """What a bill came to."""
    return [f"You paid {bold(bill.total)}; your own share is {bill.own_share}.", *iou_lines(bill.ious)]


def division(
    people: str | None,
    shares: str | None,
    percent: str | None,
    exact: str | None,
    item: list[str] | None,
    extra: str | None,
    into: str | None,
    rate: str | None,
) -> dict[str, Any]:
    """How a bill is shared, as parameters of the methods that take one.

    Raises:
        UsageError: it is said in two ways, or a part is malformed.
    """
    mode, parts = _parts({"shares": shares, "percent": percent, "exact": exact})
    if item and (parts or people):
        raise UsageError("An itemised bill says by its lines who shares it, and nothing else does.")
    if extra is not None and not item:
        raise UsageError("Tax and tip belong to an itemised bill: give its lines with --item.")
    return {
        "people": _words(people or ""),
        "mode": "itemised" if item else mode,
        "parts": parts,
        "items": [_item(text) for text in item or ()],
        "extra": extra,
        "into": into,
        "rate": rate,
    }


def _item(text: str) -> s.BillItem:
    amount, _, who = text.partition("=")
    people = _words(who)
    if not amount.strip() or not people:
        raise UsageError(f"'{text}' is not a line of a bill: write it like --item 12.50=bob,me")
    return s.BillItem(amount=amount.strip(), people=people)


def _parts(options: dict[_Mode, str | None]) -> tuple[_Mode, dict[str, str]]:
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
