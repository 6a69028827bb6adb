"""`p2pchat requests`: people who ask to be your contact."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.commands.contacts import asked
from p2pchat_cli.options import WhoArgument, session_of
from p2pchat_cli.style import accent, dim


def show_all(ctx: typer.Context) -> None:
    """Who asks, and what they wrote."""
    session = session_of(ctx)
    found = session.call("request.list", s.Nothing(), s.Contacts)
    lines = []
    for one in found.contacts:
        greeting = f"  {one.message}" if one.message else ""
        lines.append(f"{accent(one.name)}{greeting}  {dim(one.fingerprint)}")
    if lines:
        lines.append(dim("p2pchat requests accept NAME, or p2pchat requests reject NAME"))
    session.answer(found, lines or ["Nobody asks."])


def accept(
    ctx: typer.Context,
    who: WhoArgument,
    name: Annotated[
        str | None, typer.Option(help="What to call them [default: their own name].", show_default=False)
    ] = None,
) -> None:
    """From now on you can write to each other."""
    session = session_of(ctx)
    contact = session.call("request.accept", s.Accept(who=who, name=name), s.Contact)
    session.answer(contact, asked(contact))  # who was introduced has to accept as well


def reject(ctx: typer.Context, who: WhoArgument) -> None:
    """The person is not told."""
    session = session_of(ctx)
    done = session.call("request.reject", s.Who(who=who), s.Done)
    session.answer(done, ["Rejected."])
