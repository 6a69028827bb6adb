"""`p2pchat pay`, `request`, `settle`, `receipt`, `balance`, `iou`: who owes whom."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.commands.circle import ThroughOption, circulation_lines, names
from p2pchat_cli.entry_options import (
    AttachOption,
    CategoryOption,
    DueOption,
    IntoOption,
    RateOption,
    entry_terms,
    with_category,
)
from p2pchat_cli.iou_lines import iou_lines
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.options import (
    AmountArgument,
    IouArgument,
    WhoArgument,
    amount_and_note,
    complete_contact,
    session_of,
)
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import ago, columns, plural

MaybeWho = Annotated[
    str | None,
    typer.Argument(metavar="[WHO]", help="Only this contact.", autocompletion=complete_contact),
]


def pay(
    ctx: typer.Context,
    who: WhoArgument,
    words: AmountArgument,
    through: ThroughOption = None,
    due: DueOption = None,
    category: CategoryOption = None,
    attach: AttachOption = None,
    into: IntoOption = None,
    rate: RateOption = None,
) -> None:
    """Counted once the contact accepts. Also: pay request, accept, settle, balance, history, split."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    note = with_category(note, category)
    if through is not None:
        if due or attach or into or rate:
            raise UsageError("What goes through friends has no due date, file or rate.")
        on_the_way = s.PayThrough(who=who, amount=amount, note=note, through=names(through))
        circulation = session.call("circle.pay", on_the_way, s.Circulation)
        session.answer(circulation, circulation_lines([circulation]))
        return
    params = s.Pay(who=who, amount=amount, note=note, **entry_terms(due, into, rate, attach))
    iou = session.call("iou.pay", params, s.Iou)
    session.answer(iou, iou_lines([iou]))


def request(
    ctx: typer.Context,
    who: WhoArgument,
    words: AmountArgument,
    due: DueOption = None,
    category: CategoryOption = None,
    attach: AttachOption = None,
    into: IntoOption = None,
    rate: RateOption = None,
) -> None:
    """Nothing counts until the contact signs."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    note = with_category(note, category)
    params = s.RequestPay(who=who, amount=amount, note=note, **entry_terms(due, into, rate, attach))
    iou = session.call("iou.request", params, s.Iou)
    session.answer(iou, iou_lines([iou]))


def settle(ctx: typer.Context, who: WhoArgument, words: AmountArgument) -> None:
    """Asks for a receipt; your debt is lower once the contact signs it."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    iou = session.call("iou.settle", s.Settle(who=who, amount=amount, note=note), s.Iou)
    session.answer(iou, iou_lines([iou]))


def receipt(ctx: typer.Context, who: WhoArgument, words: AmountArgument) -> None:
    """Lowers what the contact owes you, for good."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    iou = session.call("iou.receipt", s.GiveReceipt(who=who, amount=amount, note=note), s.Iou)
    session.answer(iou, iou_lines([iou]))


def accept(ctx: typer.Context, iou_id: IouArgument) -> None:
    """Both sides count it from now on."""
    session = session_of(ctx)
    iou = session.call("iou.accept", s.IouId(id=iou_id), s.Iou)
    session.answer(iou, iou_lines([iou]))


def reject(ctx: typer.Context, iou_id: IouArgument) -> None:
    """It does not count, or no longer."""
    session = session_of(ctx)
    iou = session.call("iou.reject", s.IouId(id=iou_id), s.Iou)
    session.answer(iou, iou_lines([iou]))


def dispute(
    ctx: typer.Context,
    iou_id: IouArgument,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WHY]", help="In your words.")] = None,
) -> None:
    """Both see it, in every export; no balance changes by it."""
    session = session_of(ctx)
    params = s.Dispute(id=iou_id, note=" ".join(words or ()))
    iou = session.call("iou.dispute", params, s.Iou)
    session.answer(iou, iou_lines([iou]))


def remind(ctx: typer.Context, iou_id: IouArgument) -> None:
    """As a message in your chat."""
    session = session_of(ctx)
    iou = session.call("iou.remind", s.IouId(id=iou_id), s.Iou)
    session.answer(iou, [f"Reminded {accent(iou.who)} of {bold(iou.amount)}."])


def due(ctx: typer.Context) -> None:
    """The earliest first; what was paid back settles first what fell due first."""
    session = session_of(ctx)
    found = session.call("iou.due", s.Nothing(), s.Dues)
    session.answer(found, columns([_due(one) for one in found.dues]) or ["Nothing with a due date is open."])


def _due(one: s.Due) -> tuple[str, ...]:
    late = one.days_late
    when = (
        "today" if late == 0 else f"{plural(late, 'day')} late" if late > 0 else f"in {plural(-late, 'day')}"
    )
    who = accent(one.who)
    says = f"{who} owes you" if one.direction == "owes-me" else f"you owe {who}"
    asked = "" if one.agreed else "(asked for)"
    return one.due, bad(when) if late > 0 else when, says, bold(one.amount), asked, one.note


def same(
    ctx: typer.Context,
    iou_id: IouArgument,
    other_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the other one, or its beginning.")],
) -> None:
    """The IOU counts, and the request for it is over."""
    session = session_of(ctx)
    both = session.call("iou.same", s.SameIou(id=iou_id, other=other_id), s.Ious)
    session.answer(both, iou_lines(both.ious))


def limit(
    ctx: typer.Context,
    who: WhoArgument,
    words: Annotated[
        list[str], typer.Argument(metavar="AMOUNT UNIT", help="Such as 50 EUR.", show_default=False)
    ],
    auto: Annotated[
        str | None,
        typer.Option(
            "--auto",
            metavar="AMOUNT",
            help="The largest IOU that your node accepts without asking you; 0: it always asks.",
            show_default="whatever fits",
        ),
    ] = None,
    holds: Annotated[
        str | None,
        typer.Option(
            "--holds", metavar="AMOUNT", help="How much of it may wait in circles.", show_default="a fifth"
        ),
    ] = None,
) -> None:
    """Your node accepts nothing above it, whatever the contact signs."""
    session = session_of(ctx)
    one = session.call(
        "iou.limit", s.SetLimit(who=who, amount=" ".join(words), auto=auto, holds=holds), s.Balance
    )
    asks = f"IOUs up to {one.auto} are accepted without asking" if one.auto else "you are always asked"
    session.answer(one, [f"{accent(one.who)} may owe you up to {bold(one.limit or '')}; {asks}."])


def show(ctx: typer.Context, iou_id: IouArgument) -> None:
    """Each step with who signed it, when by their clock, and on which device."""
    session = session_of(ctx)
    story = session.call("iou.show", s.IouId(id=iou_id), s.IouStory)
    rows = [
        (dim(one.id[:SHORT_ID]), ago(one.at_ms), accent(one.who), one.text, dim(f"device {one.device[:8]}"))
        for one in story.steps
    ]
    session.answer(story, [*iou_lines([story.iou]), *columns(rows)])


def show_all(ctx: typer.Context, who: MaybeWho = None) -> None:
    """With one contact or with all."""
    session = session_of(ctx)
    found = session.call("iou.list", s.IouQuery(who=who), s.Ious)
    lines = iou_lines(found.ious)
    if any(iou.mine_to_decide for iou in found.ious):
        lines.append(dim("! waits for you: p2pchat iou accept ID, or p2pchat iou reject ID"))
    for iou in found.ious:
        if iou.kind == "request" and iou.same_as:
            pair = f"{iou.id[:SHORT_ID]} {iou.same_as[:SHORT_ID]}"
            lines.append(dim(f"? may be one and the same: p2pchat iou same {pair}"))
    session.answer(found, lines or ["No IOUs yet."])


def balance(ctx: typer.Context, who: MaybeWho = None) -> None:
    """Each contact and unit on a line of its own."""
    session = session_of(ctx)
    found = session.call("iou.balance", s.BalanceQuery(who=who), s.Balances)
    session.answer(found, columns([_standing(one) for one in found.balances]) or ["You are all square."])


def _standing(one: s.Balance) -> tuple[str, str, str]:
    beside = [f"{plural(one.open_offers, 'IOU')} open"] if one.open_offers else []
    beside += [f"may owe you {one.limit}, {one.auto or 'nothing'} unasked"] if one.limit else []
    beside += [f"you may owe {one.their_limit}"] if one.their_limit else []
    beside += ["this device was restored: it waits for their answer"] if one.recovering else []
    waiting = dim("; ".join(beside))
    amount = one.amount.lstrip("+-")
    if one.minor > 0:
        return accent(one.who), f"owes you {good(amount)}", waiting
    if one.minor < 0:
        return accent(one.who), f"you owe {bad(amount)}", waiting
    return accent(one.who), f"all square in {one.unit}", waiting
