"""`p2pchat poll`: questions to everybody in a chat."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import ChatArgument, MessageArgument, session_of
from p2pchat_cli.style import accent, bold, dim, good
from p2pchat_cli.text import columns


def create(
    ctx: typer.Context,
    chat: ChatArgument,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know.")],
    options: Annotated[list[str], typer.Argument(metavar="OPTION...", help="2 to 12 answers.")],
    multiple: Annotated[bool, typer.Option("--multiple", help="Several answers may be chosen.")] = False,
) -> None:
    """Everybody sees who chose what."""
    _answer(ctx, "poll.create", s.AskPoll(chat=chat, question=question, options=options, multiple=multiple))


def vote(
    ctx: typer.Context,
    id: MessageArgument,
    choices: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER...]", help="Of the options; none takes it back.")
    ] = None,
) -> None:
    """In place of what you chose before."""
    _answer(ctx, "poll.vote", s.CastVote(id=id, choices=choices or []))


def close(ctx: typer.Context, id: MessageArgument) -> None:
    """Only who asked can do that; later votes do not count."""
    _answer(ctx, "poll.close", s.MessageId(id=id))


def show(ctx: typer.Context, id: MessageArgument) -> None:
    """Who chose what so far."""
    _answer(ctx, "poll.show", s.MessageId(id=id))


def _answer(ctx: typer.Context, method: str, params: s.Params) -> None:
    session = session_of(ctx)
    poll = session.call(method, params, s.Poll)
    rows = [
        (
            str(number),
            good(option.text) if number in poll.mine else option.text,
            str(len(option.voters)),
            dim(", ".join(option.voters)),
        )
        for number, option in enumerate(poll.options, 1)
    ]
    state = "closed" if poll.closed else "choose several" if poll.multiple else "choose one"
    head = f"{dim(poll.id[:8])}  {accent(poll.asker)}: {bold(poll.question)}  {dim(state)}"
    session.answer(poll, [head, *columns(rows)])
