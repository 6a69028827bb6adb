"""`p2pchat inbox`: what waits for you."""

from __future__ import annotations

import typer

from p2pchat.api import schema as s
from p2pchat_cli.iou_lines import iou_lines
from p2pchat_cli.message_lines import sender
from p2pchat_cli.options import session_of
from p2pchat_cli.style import accent, bold, dim
from p2pchat_cli.text import ago, columns, shortened


class Inbox(s.Result):
    """Everything that a person may want to see to."""

    chats: list[s.ChatSummary]  # with something unread
    requests: list[s.Contact]
    invitations: list[s.Group]
    ious: list[s.Iou]  # to decide about


def inbox(ctx: typer.Context) -> None:
    """Unread chats, requests, invitations and IOUs to decide about; nothing is marked as read."""
    session = session_of(ctx)
    nothing = s.Nothing()
    groups = session.call("group.list", nothing, s.Groups).groups
    found = Inbox(
        chats=session.call("chat.list", s.ChatQuery(unread=True), s.Chats).chats,
        requests=session.call("request.list", nothing, s.Contacts).contacts,
        invitations=[one for one in groups if one.state == "invited"],
        ious=session.call("iou.list", s.IouQuery(waiting=True), s.Ious).ious,
    )
    session.answer(found, _lines(found) or ["Nothing waits for you."])


def _lines(found: Inbox) -> list[str]:
    lines = columns([_unread(one) for one in found.chats])
    lines += [f"{accent(one.name)} asks to be your contact  {dim(one.message)}" for one in found.requests]
    lines += [f"{accent(one.invited_by)} invites you to #{one.name}" for one in found.invitations]
    return lines + iou_lines(found.ious)


def _unread(one: s.ChatSummary) -> tuple[str, ...]:
    last = one.last
    told = (dim(ago(last.sent_ms)), f"{sender(last)} {shortened(last.text, 60)}") if last else ("", "")
    return accent(one.chat), bold(f"{one.unread} new"), *told
