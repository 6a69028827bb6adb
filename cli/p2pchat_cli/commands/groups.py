"""`p2pchat group`: many people in one chat."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import GroupArgument, WhoArgument, session_of
from p2pchat_cli.style import accent, bold, dim
from p2pchat_cli.text import columns, plural


class HistoryPolicy(StrEnum):
    """What newcomers may read."""

    all = "all"
    from_join = "from-join"


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the group is called.")],
    history: Annotated[
        HistoryPolicy, typer.Option(help="What newcomers may read.")
    ] = HistoryPolicy.from_join,
) -> None:
    """You are its owner."""
    session = session_of(ctx)
    group = session.call("group.create", s.CreateGroup(name=name, history=history.value), s.Group)
    session.answer(
        group,
        [f"Founded {_name(group)}. Next: p2pchat group invite {group.name} NAME"],
    )


def show_all(ctx: typer.Context) -> None:
    """With their states and how many members they have."""
    session = session_of(ctx)
    found = session.call("group.list", s.Nothing(), s.Groups)
    rows = [(_name(one), _standing(one), plural(len(one.members), "member")) for one in found.groups]
    session.answer(found, columns(rows) or ["No groups yet: p2pchat group create NAME."])


def show(ctx: typer.Context, group: GroupArgument) -> None:
    """State, id, members and who is invited."""
    session = session_of(ctx)
    found = session.call("group.show", s.GroupName(group=group), s.Group)
    head = [f"{_name(found)}  {_standing(found)}", f"id  {found.group}"]
    session.answer(found, head + _members(found))


def members(ctx: typer.Context, group: GroupArgument) -> None:
    """Names and roles."""
    session = session_of(ctx)
    found = session.call("group.show", s.GroupName(group=group), s.Group)
    session.answer(found, _members(found))


def invite(ctx: typer.Context, group: GroupArgument, who: WhoArgument) -> None:
    """The contact becomes a member when they accept."""
    session = session_of(ctx)
    found = session.call("group.invite", s.GroupWho(group=group, who=who), s.Group)
    session.answer(found, [f"Invited {accent(who)} to {_name(found)}."])


def accept(ctx: typer.Context, group: GroupArgument) -> None:
    """From now on you are a member."""
    session = session_of(ctx)
    found = session.call("group.accept", s.GroupName(group=group), s.Group)
    session.answer(found, [f"You joined {_name(found)}."])


def decline(ctx: typer.Context, group: GroupArgument) -> None:
    """The invitation is gone."""
    session = session_of(ctx)
    done = session.call("group.decline", s.GroupName(group=group), s.Done)
    session.answer(done, ["Declined."])


def leave(ctx: typer.Context, group: GroupArgument) -> None:
    """You keep what you read and get nothing more."""
    session = session_of(ctx)
    found = session.call("group.leave", s.GroupName(group=group), s.Group)
    session.answer(found, [f"You left {_name(found)}."])


def _name(group: s.Group) -> str:
    return bold(f"#{group.name}")


def _standing(group: s.Group) -> str:
    if group.state == "invited":
        return f"{group.invited_by} invites you: p2pchat group accept {group.name}"
    return group.state


def _members(group: s.Group) -> list[str]:
    rows = [(accent(one.name), one.role, dim("you") if one.me else "") for one in group.members]
    rows += [(accent(name), "invited", "") for name in group.invited]
    return columns(rows)
