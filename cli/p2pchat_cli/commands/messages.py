"""`p2pchat send`: a message going out, and how far it came."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NetworkError, P2PChatError, UsageError
from p2pchat_cli.message_lines import SHORT_ID, state
from p2pchat_cli.options import (
    ChatArgument,
    GroupArgument,
    TextArgument,
    complete_contact,
    seconds_of,
    session_of,
    text_of,
)
from p2pchat_cli.session import Session
from p2pchat_cli.style import accent, dim


class Ack(StrEnum):
    """What `--ack` can wait for."""

    delivered = "delivered"
    read = "read"


class StillQueuedError(P2PChatError):
    """The time to wait is over and the message has not arrived; the node goes on trying."""

    exit_code = 7


AckOption = Annotated[Ack | None, typer.Option(help="Wait until every recipient has it.", show_default=False)]
ReplyOption = Annotated[
    str | None, typer.Option(metavar="ID", help="The message that it answers.", show_default=False)
]
MentionOption = Annotated[
    list[str],
    typer.Option(
        "--mention",
        metavar="WHO",
        help="A member whom it is for, beside those named with an @; may be repeated.",
        show_default=False,
        autocompletion=complete_contact,
    ),
]
TimeoutOption = Annotated[float, typer.Option(min=0, help="Seconds to wait with --ack; exit code 7 after.")]


AtOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Send it then: 18:30, 2h, 2026-12-24 or 2026-12-24T18:30; see `p2pchat msg scheduled`.",
        show_default=False,
    ),
]
OnceOption = Annotated[
    bool,
    typer.Option("--view-once", help="It vanishes a minute after they have read it, with you after a week."),
]
UrgentOption = Annotated[
    bool, typer.Option("--urgent", help="They are notified though they have muted the chat.")
]
ExpireOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="It vanishes on every side after 30s, 10m, 8h or 7d.", show_default=False
    ),
]


FileOption = Annotated[
    list[str],
    typer.Option(
        "--file", metavar="PATH", help="A file that goes with it; may be repeated.", show_default=False
    ),
]


def send(
    ctx: typer.Context,
    chat: ChatArgument,
    text: TextArgument = [],  # noqa: B006
    reply: ReplyOption = None,
    mention: MentionOption = [],  # noqa: B006 -- typer reads it and nobody writes it
    expire: ExpireOption = None,
    view_once: OnceOption = False,
    urgent: UrgentOption = False,
    at: AtOption = None,
    ack: AckOption = None,
    timeout: TimeoutOption = 30.0,
    file: FileOption = [],  # noqa: B006
) -> None:
    """The message is stored before this returns, and goes out as soon as the recipient is there."""
    session = session_of(ctx)
    if not text and not file:
        raise UsageError("There is nothing to send: give a text, - or --file.")
    expire_s = seconds_of(expire) if expire else None
    params = s.Send(
        chat=chat,
        text=text_of(text),
        reply=reply,
        mention=mention,
        expire_s=expire_s,
        once=view_once,
        urgent=urgent,
    )
    if file:
        from p2pchat_cli.commands.files import put_all

        if at is not None:
            raise UsageError("Files cannot be sent later: send them now, or the text without them.")
        params.files = put_all(session, file)
    if at is not None:
        from p2pchat_cli.commands import scheduled

        if ack is not None:
            raise UsageError("--ack cannot wait for a message that is sent later.")
        scheduled.add(session, params, at)
        return
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
    text: TextArgument = [],  # noqa: B006
    reply: ReplyOption = None,
    mention: MentionOption = [],  # noqa: B006 -- typer reads it and nobody writes it
    expire: ExpireOption = None,
    view_once: OnceOption = False,
    urgent: UrgentOption = False,
    at: AtOption = None,
    ack: AckOption = None,
    timeout: TimeoutOption = 30.0,
    file: FileOption = [],  # noqa: B006
) -> None:
    """As `p2pchat send`."""
    send(
        ctx,
        f"#{group.removeprefix('#')}",
        text,
        reply,
        mention,
        expire,
        view_once,
        urgent,
        at,
        ack,
        timeout,
        file,
    )


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
    short = message.id[:SHORT_ID]
    if _arrived(message, Ack.delivered):
        return StillQueuedError(f"The message {short} is delivered, but not read yet.")
    why = "your node goes on trying" if session.node_runs() else "your node is not running"
    return StillQueuedError(f"The message {short} is still {message.state}: {why}.")


def _arrived(message: s.Message, ack: Ack) -> bool:
    enough = {"read"} if ack is Ack.read else {"delivered", "read"}
    return all(delivery.state in enough for delivery in message.deliveries)


def _sent(message: s.Message) -> str:
    return f"{state(message.state)} to {accent(message.chat)}  {dim(message.id[:SHORT_ID])}"
