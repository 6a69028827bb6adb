"""`p2pchat group`: many people in one chat."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import GroupArgument, WhoArgument, complete_contact, session_of
from p2pchat_cli.style import accent, bad, bold, dim
from p2pchat_cli.text import columns, plural


class Role(StrEnum):
    """What a member may do; each may what the ones before may."""

    read_only = "read-only"
    member = "member"
    admin = "admin"
    owner = "owner"


_HISTORY_HELP = "What newcomers may read: all, from-join, or a number of days."


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the group is called.")],
    history: Annotated[str, typer.Option(metavar="all|from-join|DAYS", help=_HISTORY_HELP)] = "from-join",
) -> None:
    """You are its owner."""
    session = session_of(ctx)
    group = session.call("group.create", s.CreateGroup(name=name, history=history), s.Group)
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
    """State, rules, members, who is invited and who is banned."""
    session = session_of(ctx)
    found = session.call("group.show", s.GroupName(group=group), s.Group)
    session.answer(found, [f"{_name(found)}  {_standing(found)}", *_rules(found), *_members(found)])


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


def remove(
    ctx: typer.Context,
    group: GroupArgument,
    who: WhoArgument,
    ban: Annotated[bool, typer.Option("--ban", help="They cannot be invited again.")] = False,
) -> None:
    """They keep what they read and get nothing more."""
    session = session_of(ctx)
    found = session.call("group.remove", s.RemoveMember(group=group, who=who, ban=ban), s.Group)
    session.answer(found, [f"{'Banned' if ban else 'Removed'} {accent(who)} from {_name(found)}."])


def unban(ctx: typer.Context, group: GroupArgument, who: WhoArgument) -> None:
    """They are no member before they are invited and accept."""
    session = session_of(ctx)
    found = session.call("group.unban", s.GroupWho(group=group, who=who), s.Group)
    session.answer(found, [f"{accent(who)} may be invited to {_name(found)} again."])


def role(
    ctx: typer.Context,
    group: GroupArgument,
    who: Annotated[
        str,
        typer.Argument(metavar="WHO", help="A member; me is yourself.", autocompletion=complete_contact),
    ],
    new: Annotated[Role, typer.Argument(metavar="ROLE", help="read-only, member, admin or owner.")],
) -> None:
    """Nobody can give more than they have."""
    session = session_of(ctx)
    params = s.SetRole(group=group, role=new.value, who=None if who == "me" else who)
    found = session.call("group.role", params, s.Group)
    session.answer(found, _members(found))


def rename(
    ctx: typer.Context,
    group: GroupArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the group is called from now on.")],
) -> None:
    """For all members."""
    session = session_of(ctx)
    found = session.call("group.rename", s.RenameGroup(group=group, name=name), s.Group)
    session.answer(found, [f"It is called {_name(found)} now."])


def policy(
    ctx: typer.Context,
    group: GroupArgument,
    history: Annotated[
        str | None, typer.Option(metavar="all|from-join|DAYS", help=_HISTORY_HELP, show_default=False)
    ] = None,
    invite: Annotated[
        Role | None, typer.Option(metavar="ROLE", help="The least role that may invite.", show_default=False)
    ] = None,
    write: Annotated[
        Role | None, typer.Option(metavar="ROLE", help="The least role that may write.", show_default=False)
    ] = None,
) -> None:
    """What is left out stays as it is; without options nothing changes."""
    session = session_of(ctx)
    params = s.SetPolicy(
        group=group,
        history=history,
        invite=invite.value if invite else None,
        write=write.value if write else None,
    )
    changes = any((history, invite, write))
    found = (
        session.call("group.policy", params, s.Group)
        if changes
        else session.call("group.show", s.GroupName(group=group), s.Group)
    )
    session.answer(found, _rules(found))


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


def _rules(group: s.Group) -> list[str]:
    history = {"all": "everything", "from-join": "what is written after they joined"}
    read = history.get(group.history, f"the last {group.history} days")
    rules = [("id", group.group)]
    if group.history:
        rules += [("newcomers read", read), ("invite from", group.invite), ("write from", group.write)]
    return columns(rules)


def _members(group: s.Group) -> list[str]:
    rows = [(accent(one.name), one.role, dim("you") if one.me else "") for one in group.members]
    rows += [(accent(name), "invited", "") for name in group.invited]
    rows += [(accent(name), bad("banned"), "") for name in group.banned]
    return columns(rows)
