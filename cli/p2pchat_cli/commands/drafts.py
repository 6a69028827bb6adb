"""`p2pchat draft`, `typing`: what is not sent yet."""

from __future__ import annotations

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import ChatArgument, TextArgument, WhoArgument, session_of, text_of
from p2pchat_cli.style import accent, dim


def keep(ctx: typer.Context, chat: ChatArgument, text: TextArgument) -> None:
    """In place of an earlier one; every face of your node shows it."""
    session = session_of(ctx)
    done = session.call("chat.draft", s.ChatDraft(chat=chat, text=text_of(text)), s.Done)
    session.answer(done, ["Kept; it is gone once you write to the chat."])


def show(ctx: typer.Context, chat: ChatArgument) -> None:
    """As it was typed."""
    session = session_of(ctx)
    found = session.call("chat.show", s.Chat(chat=chat), s.ChatSummary)
    session.answer(found, [found.draft or dim("No draft.")])


def clear(ctx: typer.Context, chat: ChatArgument) -> None:
    """Nothing is sent."""
    session = session_of(ctx)
    done = session.call("chat.draft", s.ChatDraft(chat=chat, text=""), s.Done)
    session.answer(done, ["Cleared."])


def typing(
    ctx: typer.Context,
    who: WhoArgument,
    stop: bool = typer.Option(False, "--stop", help="You have stopped typing."),
) -> None:
    """A contact who is connected sees it for some seconds; nothing is kept."""
    session = session_of(ctx)
    told = session.call("chat.typing", s.ChatTyping(chat=who, on=not stop), s.TypingTold)
    name = accent(who.removeprefix("@"))
    not_told = f"{name} was not told: not connected, told just now, or it is switched off."
    session.answer(told, [f"{name} was told." if told.told else not_told])
