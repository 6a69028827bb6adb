"""`p2pchat send --at`, `msg scheduled`, `msg cancel`: what is said later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.message_lines import SHORT_ID
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import accent, bad, dim
from p2pchat_cli.text import columns, shortened
from p2pchat_cli.when import time_ahead

_LETTERS = 50


def add(session: Session, said: s.Send, when: str) -> None:
    """Have a message sent at a time that a person typed."""
    at = time_ahead(when, datetime.now())
    params = s.Schedule(
        chat=said.chat,
        text=said.text,
        reply=said.reply,
        mention=said.mention,
        expire_s=said.expire_s,
        at_ms=round(at.timestamp() * 1000),
    )
    planned = session.call("message.schedule", params, s.Scheduled)
    session.answer(planned, columns([_row(planned)]))
    if not session.node_runs():
        session.hint(
            "Your node is not running; it is sent at that time, or when your node runs again after it."
        )


def show_all(ctx: typer.Context) -> None:
    """The earliest first; what could not be sent when its time had come stays, with the reason."""
    session = session_of(ctx)
    found = session.call("message.scheduled", s.Nothing(), s.ScheduledList)
    rows = columns([_row(one) for one in found.scheduled])
    session.answer(found, rows or ["Nothing waits for its time."])


def cancel(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="From `p2pchat msg scheduled`.")],
) -> None:
    """Only what waits for its time; what was sent already can be deleted."""
    session = session_of(ctx)
    done = session.call("message.unschedule", s.ScheduledId(id=id), s.Done)
    session.answer(done, ["It is not sent."])


def _row(one: s.Scheduled) -> tuple[str, ...]:
    at = datetime.fromtimestamp(one.at_ms / 1000).strftime("%a %Y-%m-%d %H:%M")
    text = shortened(one.text.replace("\n", " "), _LETTERS)
    return (
        dim(one.id[:SHORT_ID]),
        at,
        accent(one.chat),
        text,
        bad(f"not sent: {one.refused}" if one.refused else ""),
    )
