"""`p2pchat mailbox`: nodes that keep messages for me while I am away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import UsageError
from p2pchat_cli.options import session_of
from p2pchat_cli.style import bad, dim, good
from p2pchat_cli.text import columns, plural


def use(
    ctx: typer.Context,
    where: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADDRESS|WHO]",
            help="A node's address or a contact; if left out, the first bootstrap node of your network.",
        ),
    ] = None,
    token: Annotated[str, typer.Option(help="What the node's operator gave you, if he asks for it.")] = "",
) -> None:
    """Your contacts learn of it with your card, up to three mailboxes. It sees neither texts nor senders."""
    session = session_of(ctx)
    used = session.call("mailbox.use", s.UseMailbox(where=where, token=token), s.Mailbox)
    session.answer(used, [f"Contacts leave messages for you with {used.name} while you are away."])


def show_all(ctx: typer.Context) -> None:
    """In the order in which your card names them."""
    session = session_of(ctx)
    found = session.call("mailbox.list", s.Nothing(), s.Mailboxes)
    session.answer(found, [_shown(one) for one in found.mailboxes] or ["You use no mailbox."])


def usage(ctx: typer.Context) -> None:
    """Asks each of them now."""
    session = session_of(ctx)
    found = session.call("mailbox.usage", s.Nothing(), s.Mailboxes)
    session.answer(found, list(_usage(found)) or ["You use no mailbox."])


def serve(
    ctx: typer.Context,
    size: Annotated[
        str, typer.Argument(metavar="MEGABYTES|off", help="How much they may leave here in all.")
    ] = "64",
) -> None:
    """Contacts and fellow members leave here what is for others of them; they name you with `mailbox use`."""
    if not size.isdecimal() and size != "off":
        raise UsageError(f"'{size}' is neither a number of megabytes nor off.")
    session = session_of(ctx)
    params = s.SetSettings(holding_megabytes=int(size) if size != "off" else 0)
    now = session.call("settings.set", params, s.Settings)
    megabytes = now.holding_megabytes
    session.answer(
        now,
        [
            f"Your node keeps up to {megabytes} MB of what friends leave for each other."
            if megabytes
            else "Your node keeps nothing for friends."
        ],
    )


def drop(
    ctx: typer.Context,
    where: Annotated[
        str, typer.Argument(metavar="ADDRESS|WHO", help="A mailbox's address or its end, or a contact.")
    ],
) -> None:
    """Your contacts learn of it with your card."""
    session = session_of(ctx)
    done = session.call("mailbox.drop", s.DropMailbox(where=where), s.Done)
    session.answer(done, ["You use this mailbox no longer."])


def _shown(one: s.Mailbox) -> str:
    return one.address if one.address.startswith("/") else one.name


def _usage(found: s.Mailboxes) -> Iterator[str]:
    rows = []
    for one in found.mailboxes:
        if one.state != "ready":
            rows.append((_shown(one), bad(one.state), ""))
            continue
        kept = f"{plural(one.messages, 'message')}, {_share(one.bytes, one.limit_bytes)}"
        strangers = f"strangers {_share(one.stranger_bytes, one.stranger_limit_bytes)}"
        rows.append((_shown(one), f"{good('ready')}  {kept}", dim(strangers)))
    yield from columns(rows)


def _share(used: int, limit: int) -> str:
    return f"{used / 1e6:.1f} of {limit / 1e6:.1f} MB"
