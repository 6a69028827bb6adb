"""`p2pchat circle`: debts that move around several people at once, all of it or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.options import AmountArgument, GroupArgument, WhoArgument, amount_and_note, session_of
from p2pchat_cli.style import accent, bold, dim, good
from p2pchat_cli.text import columns

_PAUSE_S: Final = 1.0

CircleArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Its id or the beginning, from `p2pchat circle list`.")
]
ThroughOption = Annotated[
    str | None,
    typer.Option("--through", metavar="WHO,...", help="The friends on the way, from you on."),
]


def on(ctx: typer.Context) -> None:
    """Within your limits, and so that no debt of yours grows but one that another pays for."""
    _take_part(ctx, True)


def off(ctx: typer.Context) -> None:
    """What has begun goes on to its end."""
    _take_part(ctx, False)


def show_all(ctx: typer.Context) -> None:
    """The newest first."""
    session = session_of(ctx)
    found = session.call("circle.list", s.Nothing(), s.Circulations)
    lines = circulation_lines(found.circulations)
    if any(one.mine_to_decide for one in found.circulations):
        lines.append(dim("! waits for you: p2pchat circle accept ID, or p2pchat circle cancel ID"))
    lines.append(dim(_part(found.takes_part)))
    session.answer(found, lines)


def clear(
    ctx: typer.Context,
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT]", help="Only debts in this unit.")] = None,
) -> None:
    """Debts that run in a circle of up to five people who take part cancel out; none of them grows."""
    session = session_of(ctx)
    found = session.call("circle.clear", s.Clear(unit=unit), s.Looking)
    session.answer(
        found,
        [f"Looking for circles in {', '.join(found.units)}; what is found is cleared: p2pchat circle list"],
    )


def join(ctx: typer.Context, group: GroupArgument) -> None:
    """Members who do so too see what you owe and are owed among them, and may clear circles through you."""
    session = session_of(ctx)
    done = session.call("circle.join", s.SimplifyPart(group=group, on=True), s.Done)
    session.answer(done, [f"You simplify debts in {group}."])


def leave(ctx: typer.Context, group: GroupArgument) -> None:
    """Nobody is told your debts any more; what has begun goes on to its end."""
    session = session_of(ctx)
    done = session.call("circle.join", s.SimplifyPart(group=group, on=False), s.Done)
    session.answer(done, [f"You do not simplify debts in {group} any more."])


def simplify(
    ctx: typer.Context,
    group: GroupArgument,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Such as EUR.")],
    do: Annotated[bool, typer.Option("--do", help="Clear it, instead of showing it.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the answers of members.")] = 10,
) -> None:
    """Before and after for each person; no debt grows, and nobody gets a new creditor."""
    session = session_of(ctx)
    params = s.Simplify(group=group, unit=unit)
    until = time.monotonic() + wait
    plan = session.call("circle.simplify", params, s.SimplifyPlan)
    while plan.silent and session.node_runs() and time.monotonic() < until:
        time.sleep(_PAUSE_S)
        plan = session.call("circle.plan", params, s.SimplifyPlan)
    if do and plan.circles:
        plan = session.call("circle.simplify-clear", params, s.SimplifyPlan)
    lines = columns([_change(one) for one in plan.changes])
    for circle in plan.circles:
        around = " → ".join(accent(one) for one in (*circle.people, circle.people[0]))
        lines.append(f"{around}: {circle.amount} each")
    if plan.silent:
        lines.append(dim(f"not taking part, or no answer yet: {', '.join(plan.silent)}"))
    if not plan.circles:
        lines.insert(0, "There is no circle of debts among those who take part.")
    elif not do:
        lines.append(dim("Nothing was changed: --do clears it, if all on a circle agree."))
    session.answer(plan, lines)


def _change(one: s.DebtChange) -> tuple[str, str, str]:
    owes = f"owes {one.owes_before} → {bold(one.owes_after)}"
    return accent(one.who), owes, f"is owed {one.due_before} → {bold(one.due_after)}"


def invoice(ctx: typer.Context, words: AmountArgument) -> None:
    """Give the text to whoever is to pay it; it is good for a day."""
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    made = session.call("circle.invoice", s.MakeInvoice(amount=amount, note=note), s.InvoiceText)
    session.answer(made, [made.invoice])


def pay(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="INVOICE", help="From `p2pchat circle invoice`.")],
    through: ThroughOption = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="For yourself.")] = "",
) -> None:
    """You owe the first friend, each owes the next, and the last owes the payee; or nobody does."""
    session = session_of(ctx)
    params = s.PayInvoice(invoice=text, note=note, through=names(through))
    _answer(ctx, session.call("circle.pay-invoice", params, s.Circulation))


def assign(
    ctx: typer.Context,
    debtor: WhoArgument,
    words: Annotated[
        list[str],
        typer.Argument(metavar="AMOUNT UNIT WHO", help="Such as 12 EUR carol.", show_default=False),
    ],
) -> None:
    """What the first owes you they owe the last instead; all three sign, or nothing changes."""
    if len(words) != 3:
        raise UsageError("Write it like: p2pchat circle assign bob 12 EUR carol")
    params = s.Assign(debtor=debtor, amount=" ".join(words[:2]), creditor=words[2])
    _answer(ctx, session_of(ctx).call("circle.assign", params, s.Circulation))


def swap(
    ctx: typer.Context,
    who: WhoArgument,
    words: Annotated[
        list[str],
        typer.Argument(metavar="AMOUNT UNIT for AMOUNT UNIT", help="Such as 12 EUR for 3 beer."),
    ],
) -> None:
    """You owe them the first, they owe you the second, or neither; they have to agree."""
    if len(words) != 5 or words[2] != "for":
        raise UsageError("Write it like: p2pchat circle swap bob 12 EUR for 3 beer")
    params = s.ProposeSwap(who=who, gives=" ".join(words[:2]), takes=" ".join(words[3:]))
    _answer(ctx, session_of(ctx).call("circle.swap", params, s.Circulation))


def accept(ctx: typer.Context, id: CircleArgument) -> None:
    """Both amounts count once both have signed."""
    _answer(ctx, session_of(ctx).call("circle.accept", s.CirculationRef(id=id), s.Circulation))


def cancel(ctx: typer.Context, id: CircleArgument) -> None:
    """Nobody loses by it: what somebody already counted on goes on."""
    _answer(ctx, session_of(ctx).call("circle.cancel", s.CirculationRef(id=id), s.Circulation))


def circulation_lines(found: Iterable[s.Circulation]) -> list[str]:
    """One line for each, those that wait for the person marked with an exclamation mark."""
    return columns([_row(one) for one in found])


def names(text: str | None) -> list[str]:
    """The names in `bob,carol`."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _row(one: s.Circulation) -> tuple[str, ...]:
    came = f"{one.incoming} from {accent(one.from_who or 'whoever is last')}" if one.incoming else ""
    went = f"{one.outgoing} to {accent(one.to_who or '')}" if one.outgoing else ""
    return (
        bold("!" if one.mine_to_decide else " "),
        dim(one.id[:SHORT_ID]),
        one.kind,
        ", ".join(part for part in (came, went) if part),
        good(one.state) if one.state == "done" else one.state,
        one.note,
    )


def _take_part(ctx: typer.Context, on: bool) -> None:
    session = session_of(ctx)
    now = session.call("circle.take-part", s.TakePart(on=on), s.Circulations)
    session.answer(now, [_part(now.takes_part)])


def _part(takes_part: bool) -> str:
    if takes_part:
        return "You take part: friends' payments may pass through you, and circles of debts cancel out."
    return "You take no part in what others begin; `p2pchat circle on` changes that."


def _answer(ctx: typer.Context, one: s.Circulation) -> None:
    session_of(ctx).answer(one, circulation_lines([one]))
