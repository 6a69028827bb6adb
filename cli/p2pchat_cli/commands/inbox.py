"""`p2pchat inbox`: what waits for you."""

from __future__ import annotations

import typer

from p2pchat.api import schema as s
from p2pchat_cli.iou_lines import iou_lines
from p2pchat_cli.message_lines import sender
from p2pchat_cli.options import session_of
from p2pchat_cli.session import Session
from p2pchat_cli.style import accent, bold, dim
from p2pchat_cli.text import ago, columns, shortened


class Inbox(s.Result):
    """Everything that a person may want to see to."""

    chats: list[s.ChatSummary]  # with something unread
    requests: list[s.Contact]
    invitations: list[s.Group]
    applicants: dict[str, list[s.Applicant]]  # who asks to come into a group, by its name
    ious: list[s.Iou]  # to decide about


def inbox(ctx: typer.Context) -> None:
    """Unread chats, requests, invitations, who asks, IOUs to decide about; nothing is marked as read."""
    session = session_of(ctx)
    nothing = s.Nothing()
    groups = session.call("group.list", nothing, s.Groups).groups
    found = Inbox(
        chats=session.call("chat.list", s.ChatQuery(unread=True), s.Chats).chats,
        requests=session.call("request.list", nothing, s.Contacts).contacts,
        invitations=[one for one in groups if one.state == "invited"],
        applicants={
            one.name: asking for one in groups if one.state == "joined" and (asking := _asking(session, one))
        },
        ious=session.call("iou.list", s.IouQuery(waiting=True), s.Ious).ious,
    )
    session.answer(found, _lines(found) or ["Nothing waits for you."])


def _asking(session: Session, group: s.Group) -> list[s.Applicant]:
    found = session.call("group.applicants", s.GroupName(group=group.group), s.Applicants)
    return [one for one in found.applicants if not one.rejected]


def _lines(found: Inbox) -> list[str]:
    lines = columns([_unread(one) for one in found.chats])
    lines += [f"{accent(one.name)} asks to be your contact  {dim(one.message)}" for one in found.requests]
    lines += [f"{accent(one.invited_by)} invites you to #{one.name}" for one in found.invitations]
    lines += [
        f"{accent(one.name)} asks to come into #{group}: p2pchat group approve {group}"
        for group, asking in found.applicants.items()
        for one in asking
    ]
    return lines + iou_lines(found.ious)


def _unread(one: s.ChatSummary) -> tuple[str, ...]:
    last = one.last
    told = (dim(ago(last.sent_ms)), f"{sender(last)} {shortened(last.text, 60)}") if last else ("", "")
    return accent(one.chat), bold(f"{one.unread} new"), *told
