"""`p2pchat read`, `history`, `search`: what was written."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError
from p2pchat_cli.message_lines import SHORT_ID, message_lines
from p2pchat_cli.options import (
    ChatArgument,
    GroupArgument,
    LimitOption,
    MaybeChatArgument,
    session_of,
)
from p2pchat_cli.session import Session
from p2pchat_cli.style import dim

BeforeOption = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Page back from this message.", show_default=False),
]


def read(ctx: typer.Context, chat: MaybeChatArgument = None) -> None:
    """Unread messages of one chat or of all; from now on they count as read."""
    session = session_of(ctx)
    summaries = session.call("chat.list", s.ChatQuery(unread=chat is None), s.Chats).chats
    chosen = summaries if chat is None else [_summary(session, summaries, chat)]
    found: list[s.Message] = []
    marks: list[s.ReadChat] = []
    for name in [_exact(summary) for summary in chosen if summary.unread]:
        page = session.call("message.unread", s.UnreadQuery(chat=name), s.Unread)
        found += page.messages
        marks.append(s.ReadChat(chat=name, upto=page.upto))
        if page.more:
            session.hint(f"There is more unread in {name}: p2pchat read {quote(name)}")
    lines = [line for message in found for line in message_lines(message, with_chat=chat is None)]
    session.answer(s.Messages(messages=found), lines or ["Nothing unread."])
    # Marked only after they were shown: a full pipe or ^C must not lose them, nor what came meanwhile.
    for mark in marks:
        session.call("chat.read", mark, s.Done)


def history(
    ctx: typer.Context, chat: ChatArgument, limit: LimitOption = 50, before: BeforeOption = None
) -> None:
    """Oldest first; nothing is marked as read."""
    session = session_of(ctx)
    page = _history(session, chat, limit, before)
    lines = [line for message in page.messages for line in message_lines(message)]
    if page.more:
        lines.insert(
            0, dim(f"older: p2pchat history {quote(chat)} --before {page.messages[0].id[:SHORT_ID]}")
        )
    session.answer(page, lines or ["No messages yet."], paged=True)


def read_group(
    ctx: typer.Context, group: GroupArgument, limit: LimitOption = 50, before: BeforeOption = None
) -> None:
    """As `p2pchat history`, and marks the group as read."""
    chat = f"#{group.removeprefix('#')}"
    history(ctx, chat, limit, before)
    session_of(ctx).call("chat.read", s.ReadChat(chat=chat), s.Done)


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Words that must all be in it.")],
    limit: LimitOption = 50,
) -> None:
    """Newest first, in all chats."""
    session = session_of(ctx)
    found = session.call("message.search", s.Search(text=" ".join(words), limit=limit), s.Messages)
    lines = [line for message in found.messages for line in message_lines(message, with_chat=True)]
    session.answer(found, lines or ["Nothing found."], paged=True)


def _history(session: Session, chat: str, limit: int, before: str | None = None) -> s.Messages:
    return session.call("message.history", s.History(chat=chat, limit=limit, before=before), s.Messages)


def _summary(session: Session, summaries: list[s.ChatSummary], chat: str) -> s.ChatSummary:
    """The summary of the chat that the person means; the node knows best which that is."""
    page = _history(session, chat, 1)
    name = page.messages[0].chat if page.messages else None
    for summary in summaries:
        if summary.chat == name:
            return summary
    if page.messages:
        raise NotFoundError(f"There is no chat called {chat}.")
    return s.ChatSummary(chat=chat, conversation="", unread=0, last=None)


def _exact(summary: s.ChatSummary) -> str:
    """A name that fits this chat alone: two groups may have the same name, petnames are unique."""
    return f"#{summary.conversation}" if summary.chat.startswith("#") else summary.chat
