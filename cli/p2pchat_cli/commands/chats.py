"""`p2pchat chats`, `mute`, `archive`, `vanish`: chats as a whole."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat_cli.message_lines import sender
from p2pchat_cli.options import ChatArgument, seconds_of, session_of
from p2pchat_cli.style import accent, bold, dim
from p2pchat_cli.text import ago, columns, lasting, shortened

DurationArgument = Annotated[
    str, typer.Argument(metavar="DURATION", help="Such as 30s, 10m, 8h or 7d.", show_default=True)
]


_LISTED: Final = 500


def chats(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="The archived ones too.")] = False,
) -> None:
    """The most recently used first, with what was said last."""
    session = session_of(ctx)
    found = session.call("chat.list", s.ChatQuery(limit=None if everything else _LISTED), s.Chats)
    archived = sum(chat.archived for chat in found.chats)
    found.chats = [chat for chat in found.chats if everything or not chat.archived]
    rows = [_row(summary) for summary in found.chats]
    none = (
        f"No chat in sight; {archived} archived: p2pchat chats --all"
        if archived
        else "No chats yet: p2pchat invite, or p2pchat contact add LINK."
    )
    session.answer(found, columns(rows) or [none])
    if found.more:
        session.hint(f"The {_LISTED} used last; all of them: p2pchat chats --all")


def mute(ctx: typer.Context, chat: ChatArgument, duration: DurationArgument = "8h") -> None:
    """Messages still come, in silence."""
    seconds = seconds_of(duration)
    _carry_out(ctx, "chat.mute", s.ChatMute(chat=chat, seconds=seconds), f"Muted for {lasting(seconds)}.")


def unmute(ctx: typer.Context, chat: ChatArgument) -> None:
    """Undoes `mute`."""
    _carry_out(ctx, "chat.mute", s.ChatMute(chat=chat, seconds=0), "No longer muted.")


def archive(ctx: typer.Context, chat: ChatArgument) -> None:
    """It goes on as before; `p2pchat chats --all` shows it."""
    _carry_out(ctx, "chat.archive", s.ChatArchive(chat=chat), "Archived.")


def unarchive(ctx: typer.Context, chat: ChatArgument) -> None:
    """Undoes `archive`."""
    _carry_out(ctx, "chat.archive", s.ChatArchive(chat=chat, on=False), "In sight again.")


def vanish(
    ctx: typer.Context,
    chat: ChatArgument,
    duration: Annotated[
        str, typer.Argument(metavar="DURATION|off", help="Such as 10m, 8h or 7d; off: they stay.")
    ],
) -> None:
    """Holds for all texts from now on, on every side."""
    seconds = 0 if duration == "off" else seconds_of(duration)
    sentence = f"Texts vanish after {lasting(seconds)}." if seconds else "Texts stay."
    _carry_out(ctx, "chat.timer", s.ChatTimer(chat=chat, seconds=seconds), sentence)


def _carry_out(ctx: typer.Context, method: str, params: s.Params, sentence: str) -> None:
    session = session_of(ctx)
    session.answer(session.call(method, params, s.Done), [sentence])


def _row(summary: s.ChatSummary) -> tuple[str, str, str, str]:
    unread = bold(f"{summary.unread} new") if summary.unread else ""
    marks = [word for word, holds in (("muted", summary.muted), ("archived", summary.archived)) if holds]
    name = " ".join([accent(summary.chat), *(dim(mark) for mark in marks)])
    if summary.draft:
        return name, unread, "", f"{dim('draft:')} {shortened(summary.draft, 60)}"
    if summary.last is None:
        return name, unread, "", ""
    last = f"{sender(summary.last)} {shortened(summary.last.text, 60)}"
    return name, unread, dim(ago(summary.last.sent_ms)), last
