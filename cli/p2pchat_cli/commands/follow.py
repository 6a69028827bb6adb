"""`p2pchat tail`, `events`: what happens, as it happens."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError
from p2pchat_cli.chat_names import full_name
from p2pchat_cli.message_lines import SHOWN, live_lines
from p2pchat_cli.options import MaybeChatArgument, session_of
from p2pchat_cli.session import Session, clean
from p2pchat_cli.style import accent, dim
from p2pchat_cli.text import ago


def tail(ctx: typer.Context, chat: MaybeChatArgument = None) -> None:
    """All chats or one, until ^C; nothing is marked as read."""
    session = session_of(ctx)
    start = session.call("node.status", s.Nothing(), s.Status).cursor
    only = full_name(session, chat) if chat else None
    for event in session.follow(start):
        if event.type in SHOWN:
            with suppress(NotFoundError):  # it may have vanished since
                message = session.call("message.show", s.MessageId(id=event.data["id"]), s.Message)
                if only in (None, message.chat):
                    session.answer(message, live_lines(message, with_chat=True))
        elif only is None and not session.json:
            session.say(_news(clean(event)))


def events(
    ctx: typer.Context,
    since: Annotated[int, typer.Option(min=0, help="The cursor: the number of the last event seen.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what happens, until ^C.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most, without --follow.")] = 500,
) -> None:
    """Nothing is missed by a program that was away: it goes on from its cursor."""
    session = session_of(ctx)
    if follow:
        for event in session.follow(since):
            session.answer(event, [_line(session, event)])
        return
    page = session.call("events.list", s.Since(since=since, limit=limit), s.Events)
    session.answer(page, [_line(session, event) for event in page.events] or ["Nothing happened since."])


def _line(session: Session, event: s.Event) -> str:
    shown = event if session.json else clean(event)
    data = " ".join(f"{key}={value}" for key, value in shown.data.items())
    return f"{shown.seq}  {dim(ago(shown.at_ms))}  {accent(shown.type)}  {data}"


def _news(event: s.Event) -> list[str]:
    """What a person wants to hear of an event that is no message."""
    data: dict[str, Any] = event.data
    name = data.get("name", "")
    match event.type, data.get("state"):
        case "request.received", _:
            return [f"{accent(name)} asks to be your contact: p2pchat requests accept {name}"]
        case "contact.changed", "accepted":
            return [f"{accent(name)} is a contact now."]
        case "chat.typing", _ if data.get("typing"):
            return [dim(f"{name} is typing ...")]
        case "group.invited", _:
            return [f"{accent(data.get('by', ''))} invites you to #{name}: p2pchat group accept {name}"]
    return []
