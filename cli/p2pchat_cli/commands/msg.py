"""`p2pchat msg`: a single message, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.message_lines import SHORT_ID, message_lines, state
from p2pchat_cli.options import (
    ChatArgument,
    MaybeChatArgument,
    MessageArgument,
    TextArgument,
    session_of,
    text_of,
)
from p2pchat_cli.style import accent, bad, dim
from p2pchat_cli.text import ago, columns, lasting, plural


def show(ctx: typer.Context, message_id: MessageArgument) -> None:
    """All that is known about it."""
    session = session_of(ctx)
    message = session.call("message.show", s.MessageId(id=message_id), s.Message)
    session.answer(message, _details(message))


def receipts(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Each recipient, how far it came to them, and when."""
    session = session_of(ctx)
    message = session.call("message.show", s.MessageId(id=message_id), s.Message)
    session.answer(message, _receipts(message) or ["It has no recipients."])


def retry(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Whoever refused it is asked again, whoever is away is dialled; your node does so by itself too."""
    session = session_of(ctx)
    message = session.call("message.retry", s.MessageId(id=message_id), s.Message)
    session.answer(message, _receipts(message) or ["It has no recipients."])
    if not session.node_runs():
        session.hint("Your node is not running; it is tried with `p2pchat run`.")


def forward(ctx: typer.Context, message_id: MessageArgument, chat: ChatArgument) -> None:
    """With the name of who wrote it; the recipient has only your word for that."""
    session = session_of(ctx)
    message = session.call("message.show", s.MessageId(id=message_id), s.Message)
    if message.kind != "text":
        raise UsageError("Only a text can be sent on.")
    said = "" if message.wordless else message.text
    text = said if message.mine or not said else f"{message.sender} wrote:\n{said}"
    files = [one.id for one in message.files]
    sent = session.call("message.send", s.Send(chat=chat, text=text, files=files), s.Message)
    session.answer(sent, message_lines(sent, with_chat=True))


def edit(ctx: typer.Context, message_id: MessageArgument, text: TextArgument) -> None:
    """The recipients see that it was edited."""
    _change(ctx, "message.edit", s.EditMessage(id=message_id, text=text_of(text)))


def delete(ctx: typer.Context, message_id: MessageArgument) -> None:
    """A recipient who has read it may of course remember it."""
    _change(ctx, "message.delete", s.MessageId(id=message_id))


def react(
    ctx: typer.Context,
    message_id: MessageArgument,
    emoji: Annotated[str, typer.Argument(metavar="EMOJI", help="One emoji.")],
) -> None:
    """In place of your earlier one."""
    _change(ctx, "message.react", s.React(id=message_id, emoji=emoji))


def unreact(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Undoes `react`."""
    _change(ctx, "message.react", s.React(id=message_id, emoji=""))


def pin(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Everybody in the chat sees it."""
    _change(ctx, "message.pin", s.Mark(id=message_id))


def unpin(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Undoes `pin`."""
    _change(ctx, "message.pin", s.Mark(id=message_id, on=False))


def star(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Nobody else knows."""
    _change(ctx, "message.star", s.Mark(id=message_id))


def unstar(ctx: typer.Context, message_id: MessageArgument) -> None:
    """Undoes `star`."""
    _change(ctx, "message.star", s.Mark(id=message_id, on=False))


def pinned(ctx: typer.Context, chat: MaybeChatArgument = None) -> None:
    """Of one chat or of all."""
    _list(ctx, s.Marked(mark="pinned", chat=chat))


def starred(ctx: typer.Context, chat: MaybeChatArgument = None) -> None:
    """Of one chat or of all."""
    _list(ctx, s.Marked(mark="starred", chat=chat))


def _change(ctx: typer.Context, method: str, params: s.Params) -> None:
    session = session_of(ctx)
    message = session.call(method, params, s.Message)
    session.answer(message, message_lines(message, with_chat=True))


def _list(ctx: typer.Context, params: s.Marked) -> None:
    session = session_of(ctx)
    found = session.call("message.marked", params, s.Messages)
    lines = [line for message in found.messages for line in message_lines(message, with_chat=not params.chat)]
    session.answer(found, lines or [f"No message is {params.mark}."])


def _details(message: s.Message) -> Iterator[str]:
    yield from message_lines(message, with_chat=True)
    yield f"id        {message.id}"
    yield f"sent      {ago(message.sent_ms)}"
    if not message.mine:
        yield f"received  {ago(message.received_ms)}"
    if message.edited_ms:
        yield f"edited    {ago(message.edited_ms)}"
    if message.reply:
        yield f"answers   {message.reply}"
    if message.mentions:
        yield f"mentions  {', '.join(message.mentions)}"
    if message.parents:
        yield f"after     {', '.join(one[:SHORT_ID] for one in message.parents)}"
    if message.view:
        yield f"view      {message.view[:16]}, {plural(message.members, 'member')}"
    if message.verdict == "flagged":
        yield bad("flagged   written while its author was being removed")
    if message.forked:
        yield bad("forked    its author signed another entry with the same number")
    yield from _receipts(message)
    for one in message.deliveries:
        if one.held_by:
            yield f"kept by   {', '.join(one.held_by)}"
        if one.reason:
            seconds = int(one.retry_ms / 1000 - time.time())
            again = f", tried again in {lasting(seconds)}" if seconds > 0 else ""
            yield f"because   {one.reason}{again}"


def _receipts(message: s.Message) -> list[str]:
    return columns([(accent(one.name), state(one.state), dim(ago(one.at_ms))) for one in message.deliveries])
