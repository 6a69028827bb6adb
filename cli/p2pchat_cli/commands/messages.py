"""`p2pchat send`, `p2pchat msg`: a message going out, and how far it came."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NetworkError, P2PChatError, UsageError
from p2pchat_cli.message_lines import SHORT_ID, message_lines, state
from p2pchat_cli.options import ChatArgument, GroupArgument, session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import accent, dim
from p2pchat_cli.text import ago, columns


class Ack(StrEnum):
    """What `--ack` can wait for."""

    delivered = "delivered"
    read = "read"


class StillQueuedError(P2PChatError):
    """The time to wait is over and the message has not arrived; the node goes on trying."""

    exit_code = 7


TextArgument = Annotated[
    list[str],
    typer.Argument(metavar="TEXT...", help="What to write; - takes it from standard input."),
]
AckOption = Annotated[Ack | None, typer.Option(help="Wait until every recipient has it.", show_default=False)]
TimeoutOption = Annotated[float, typer.Option(min=0, help="Seconds to wait with --ack; exit code 7 after.")]


def send(
    ctx: typer.Context,
    chat: ChatArgument,
    text: TextArgument,
    ack: AckOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """The message is stored before this returns, and goes out as soon as the recipient is there."""
    session = session_of(ctx)
    params = s.Send(chat=chat, text=_text(text))
    cursor = session.call("node.status", s.Nothing(), s.Status).cursor if ack else 0
    message = session.call("message.send", params, s.Message)
    if ack is not None:
        message = _await(session, message, ack, cursor, timeout)
        if not _arrived(message, ack):
            session.refuse(_still_queued(session, message), result=message)
            raise typer.Exit(StillQueuedError.exit_code)
    session.answer(message, [_sent(message)])
    if not session.node_runs():
        session.hint("Your node is not running; the message goes out with `p2pchat run`.")


def send_to_group(
    ctx: typer.Context,
    group: GroupArgument,
    text: TextArgument,
    ack: AckOption = None,
    timeout: TimeoutOption = 30.0,
) -> None:
    """As `p2pchat send`."""
    send(ctx, f"#{group.removeprefix('#')}", text, ack, timeout)


def show(
    ctx: typer.Context,
    message_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="A message's id or its beginning, from `p2pchat history`."),
    ],
) -> None:
    """All that is known about it."""
    session = session_of(ctx)
    message = session.call("message.show", s.MessageId(id=message_id), s.Message)
    session.answer(message, _details(message))


def _text(words: list[str]) -> str:
    if words != ["-"]:
        return " ".join(words)
    try:
        return sys.stdin.read().rstrip("\n")
    except UnicodeDecodeError as error:
        raise UsageError("Standard input is not text.") from error


def _await(session: Session, message: s.Message, ack: Ack, cursor: int, timeout: float) -> s.Message:
    """The message when all recipients have it, or else as it stands after `timeout` seconds.

    Raises:
        NetworkError: a recipient cannot be written to.
    """
    if not session.node_runs():
        return message
    for event in session.follow(cursor, until=time.monotonic() + timeout):
        if event.type in {"message.sent", "message.state"} and event.data.get("id") == message.id:
            message = session.call("message.show", s.MessageId(id=message.id), s.Message)
            if message.state == "failed":
                raise NetworkError("The message could not be delivered: see `p2pchat msg show`.")
            if _arrived(message, ack):
                break
    return message


def _still_queued(session: Session, message: s.Message) -> StillQueuedError:
    why = "your node goes on trying" if session.node_runs() else "your node is not running"
    return StillQueuedError(f"The message {message.id[:SHORT_ID]} is still {message.state}: {why}.")


def _arrived(message: s.Message, ack: Ack) -> bool:
    enough = {"read"} if ack is Ack.read else {"delivered", "read"}
    return all(delivery.state in enough for delivery in message.deliveries)


def _sent(message: s.Message) -> str:
    return f"{state(message.state)} to {accent(message.chat)}  {dim(message.id[:SHORT_ID])}"


def _details(message: s.Message) -> Iterator[str]:
    yield from message_lines(message, with_chat=True)
    yield f"id        {message.id}"
    yield f"sent      {ago(message.sent_ms)}"
    if not message.mine:
        yield f"received  {ago(message.received_ms)}"
    yield from columns(
        [(accent(one.name), state(one.state), dim(ago(one.at_ms))) for one in message.deliveries]
    )
