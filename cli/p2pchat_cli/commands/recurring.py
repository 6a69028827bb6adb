"""`p2pchat recurring`: IOUs that come again."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from p2pchat.api import schema as s
from p2pchat_cli.entry_options import local_zone
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.options import AmountArgument, WhoArgument, amount_and_note, session_of
from p2pchat_cli.style import accent, bold, dim
from p2pchat_cli.text import columns, plural

_Step = Literal["day", "week", "month", "year"]
EveryOption = Annotated[_Step, typer.Option("--every", help="The step.")]
TimesOption = Annotated[int, typer.Option("--times", min=1, max=1000, help="Every so many of these steps.")]
FirstOption = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="The first day.", show_default="today")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DAY", help="The last day.", show_default="none")
]


def pay(
    ctx: typer.Context,
    who: WhoArgument,
    words: AmountArgument,
    every: EveryOption = "month",
    times: TimesOption = 1,
    first: FirstOption = None,
    until: UntilOption = None,
) -> None:
    """Your node signs it when the day comes, or when it runs again after that."""
    _add(ctx, "pay", who, words, (every, times, first, until))


def request(
    ctx: typer.Context,
    who: WhoArgument,
    words: AmountArgument,
    every: EveryOption = "month",
    times: TimesOption = 1,
    first: FirstOption = None,
    until: UntilOption = None,
) -> None:
    """Your node asks when the day comes, or when it runs again after that; nothing counts until they sign."""
    _add(ctx, "request", who, words, (every, times, first, until))


def show_all(ctx: typer.Context) -> None:
    """With the day on which each comes next."""
    session = session_of(ctx)
    found = session.call("recurring.list", s.Nothing(), s.RecurringList)
    session.answer(found, columns([_row(one) for one in found.recurring]) or ["Nothing comes again."])


def stop(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="From `p2pchat recurring list`.")],
) -> None:
    """What was entered stays."""
    session = session_of(ctx)
    done = session.call("recurring.stop", s.RecurringId(id=id), s.Done)
    session.answer(done, ["It comes no more."])


def _add(
    ctx: typer.Context,
    kind: Literal["pay", "request"],
    who: str,
    words: list[str],
    when: tuple[_Step, int, str | None, str | None],
) -> None:
    session = session_of(ctx)
    amount, note = amount_and_note(words)
    step, every, first, until = when
    params = s.AddRecurring(
        kind=kind,
        who=who,
        amount=amount,
        note=note,
        step=step,
        every=every,
        first=first,
        until=until,
        zone=local_zone(),
    )
    made = session.call("recurring.add", params, s.Recurring)
    session.answer(made, columns([_row(made)]))


def _row(one: s.Recurring) -> tuple[str, ...]:
    says = f"you owe {accent(one.who)}" if one.kind == "pay" else f"ask {accent(one.who)} for"
    often = f"every {one.step}" if one.every == 1 else f"every {plural(one.every, one.step)}"
    until = f" until {one.until}" if one.until else ""
    return (
        dim(one.id[:SHORT_ID]),
        says,
        bold(one.amount),
        often + until,
        f"next {one.next or 'never'}",
        one.note,
    )
