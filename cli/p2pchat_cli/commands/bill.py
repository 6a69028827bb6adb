"""`p2pchat bill`: bills that you entered with `p2pchat split`, and new versions of them."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.commands.split import (
    ExactOption,
    ExtraOption,
    ItemOption,
    PercentOption,
    SharesOption,
    WithOption,
    bill_lines,
    division,
)
from p2pchat_cli.entry_options import IntoOption, RateOption
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.options import AmountArgument, amount_and_note, session_of
from p2pchat_cli.style import bold, dim
from p2pchat_cli.text import ago, columns

BillArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A bill's id or its beginning, from `p2pchat bill list`.")
]


def show_all(ctx: typer.Context) -> None:
    """The newest first, each with what everybody bears."""
    session = session_of(ctx)
    found = session.call("bill.list", s.Nothing(), s.Bills)
    session.answer(found, columns([_row(one) for one in found.bills]) or ["You entered no bills."])


def edit(
    ctx: typer.Context,
    bill_id: BillArgument,
    words: AmountArgument,
    people: WithOption = None,
    shares: SharesOption = None,
    percent: PercentOption = None,
    exact: ExactOption = None,
    item: ItemOption = None,
    extra: ExtraOption = None,
    into: IntoOption = None,
    rate: RateOption = None,
) -> None:
    """Whose share changes owes nothing for the bill until they sign the new one; other shares stay."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    divided = division(people, shares, percent, exact, item, extra, into, rate)
    params = s.EditBill(id=bill_id, amount=amount, note=note, **divided)
    bill = session.call("bill.edit", params, s.SplitResult)
    session.answer(bill, bill_lines(bill))


def delete(ctx: typer.Context, bill_id: BillArgument) -> None:
    """Requests are withdrawn, and what was signed for it is given up."""
    session = session_of(ctx)
    bill = session.call("bill.delete", s.BillId(id=bill_id), s.SplitResult)
    session.answer(bill, [f"Nobody owes anything for the {bill.total} any more."])


def _row(one: s.Bill) -> tuple[str, ...]:
    shares = ", ".join(f"{who} {amount}" for who, amount in one.shares.items())
    return (
        dim(one.id[:SHORT_ID]),
        f"#{one.group}",
        bold(one.total),
        dim(ago(one.at_ms)),
        one.note,
        dim(shares),
    )
