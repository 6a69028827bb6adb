"""`p2pchat group`: many people in one chat."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import StoreError
from p2pchat_cli.options import (
    GroupArgument,
    QrOption,
    WhoArgument,
    complete_contact,
    seconds_of,
    session_of,
)
from p2pchat_cli.qr import answer_link
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import ago, columns, lasting, plural


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


def invite(
    ctx: typer.Context,
    group: GroupArgument,
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHO]",
            help="A contact; without one you get a link to hand on.",
            autocompletion=complete_contact,
        ),
    ] = None,
    max_uses: Annotated[int, typer.Option(metavar="N", min=1, help="How many people the link lets in.")] = 10,
    expires: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the link is good: 8h or 7d.")
    ] = "7d",
    approve: Annotated[
        bool, typer.Option("--approve", help="Whoever comes by the link asks, and you decide.")
    ] = False,
    show_qr: QrOption = None,
) -> None:
    """A contact becomes a member when they accept; with a link, whoever holds it can come in."""
    session = session_of(ctx)
    if who is None:
        params = s.CreateGroupLink(
            group=group, max_uses=max_uses, expires_s=seconds_of(expires), approve=approve
        )
        made = session.call("group.link", params, s.GroupLink)
        answer_link(session, made, made.link, show_qr)
        by = (
            "You let them in: p2pchat group approve."
            if approve
            else "Any member who is on line lets them in."
        )
        session.hint(f"They type: p2pchat group join LINK. {by}")
        return
    found = session.call("group.invite", s.GroupWho(group=group, who=who), s.Group)
    session.answer(found, [f"Invited {accent(who)} to {_name(found)}."])


def join(
    ctx: typer.Context,
    link: Annotated[str, typer.Argument(metavar="LINK", help="What `p2pchat group invite` printed.")],
) -> None:
    """You are in as soon as one of the members is on line."""
    session = session_of(ctx)
    found = session.call("group.join", s.JoinGroup(link=link), s.Group)
    session.answer(found, [f"Asked to join {_name(found)}. How it goes: p2pchat group show {found.name}"])
    if not session.node_runs():
        session.hint("Your node is not running; it asks once you start it with `p2pchat run`.")


def approve(
    ctx: typer.Context,
    group: GroupArgument,
    who: Annotated[
        str | None, typer.Argument(metavar="[WHO]", help="Who asks, by name or id; without one: show all.")
    ] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Do not let them in.")] = False,
) -> None:
    """They asked by a link of yours, made with `p2pchat group invite GROUP --approve`."""
    session = session_of(ctx)
    if who is None:
        found = session.call("group.applicants", s.GroupName(group=group), s.Applicants)
        rows = [
            (
                accent(one.name),
                one.fingerprint,
                dim(ago(one.asked_ms)),
                bad("rejected") if one.rejected else "",
            )
            for one in found.applicants
        ]
        session.answer(found, columns(rows) or ["Nobody asks."])
        return
    now = session.call("group.approve", s.ApproveApplicant(group=group, who=who, on=not reject), s.Group)
    session.answer(now, [f"{accent(who)} is {'not let into' if reject else 'a member of'} {_name(now)}."])


def links(ctx: typer.Context, group: GroupArgument) -> None:
    """Their texts are known only to who made them."""
    session = session_of(ctx)
    found = session.call("group.links", s.GroupName(group=group), s.GroupLinks)
    session.answer(found, _links(found) or ["No open links: p2pchat group invite GROUP."])


def revoke(
    ctx: typer.Context,
    group: GroupArgument,
    link: Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id, from `group links`.")],
) -> None:
    """Who came in by it stays."""
    session = session_of(ctx)
    left = session.call("group.revoke", s.RevokeGroupLink(group=group, link=link), s.GroupLinks)
    session.answer(left, ["Revoked.", *_links(left)])


def add(ctx: typer.Context, group: GroupArgument, who: WhoArgument) -> None:
    """They can read from now on; they see it as an invitation."""
    session = session_of(ctx)
    found = session.call("group.add", s.GroupWho(group=group, who=who), s.Group)
    session.answer(found, [f"{accent(who)} is a member of {_name(found)}."])


def log(ctx: typer.Context, group: GroupArgument) -> None:
    """In the order that all members see; what does not count is marked."""
    session = session_of(ctx)
    found = session.call("group.log", s.GroupName(group=group), s.GroupLog)
    rows = [
        (dim(one.id[:8]), dim(ago(one.sent_ms)), accent(one.by), one.words, "" if one.stands else bad("void"))
        for one in found.deeds
    ]
    session.answer(found, [*columns(rows), *_forks(found.forks)] or ["The log has not arrived yet."])


def verify(ctx: typer.Context, group: GroupArgument) -> None:
    """Every signature and every link of the log; compare the two last lines with another member's."""
    session = session_of(ctx)
    found = session.call("group.verify", s.GroupName(group=group), s.GroupAudit)
    outcome = good("good") if found.good else bad(f"{found.unproven} unproven, {found.dangling} dangling")
    rows = [
        ("log", outcome),
        ("entries", f"{found.entries}, of them {found.operations} operations"),
        ("forks", bad(str(found.forks)) if found.forks else "none"),
        ("log is", found.fingerprint),
        ("members are", found.view),
    ]
    session.answer(found, [*columns(rows), *_forks(found.proofs)])
    if not found.good:
        raise typer.Exit(StoreError.exit_code)


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
    confirm: Annotated[
        str | None,
        typer.Option(metavar="N|off", help="How many admins make a removal final.", show_default=False),
    ] = None,
) -> None:
    """What is left out stays as it is; without options nothing changes."""
    session = session_of(ctx)
    params = s.SetPolicy(
        group=group,
        history=history,
        invite=invite.value if invite else None,
        write=write.value if write else None,
        confirm=confirm,
    )
    changes = any((history, invite, write, confirm))
    found = (
        session.call("group.policy", params, s.Group)
        if changes
        else session.call("group.show", s.GroupName(group=group), s.Group)
    )
    session.answer(found, _rules(found))


def confirm(ctx: typer.Context, group: GroupArgument) -> None:
    """Who was removed cannot pretend any more not to know. Admins' nodes do it by themselves after a day."""
    session = session_of(ctx)
    found = session.call("group.confirm", s.GroupName(group=group), s.Group)
    session.answer(found, [f"Confirmed. Not final yet: {plural(found.unconfirmed, 'removal')}."])


def rotate(ctx: typer.Context, group: GroupArgument) -> None:
    """For when you fear that yours was stolen; each member changes his own. It happens by itself weekly."""
    session = session_of(ctx)
    found = session.call("group.rotate", s.GroupName(group=group), s.Group)
    session.answer(found, [f"What you write to {_name(found)} from now on is sealed by a new key."])


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
    if group.ended:
        return f"{group.ended}, {ago(group.ended_ms)}" if group.ended_ms else group.ended
    if group.answer:
        return f"{group.state}: {group.answer}"
    return group.state


def _links(found: s.GroupLinks) -> list[str]:
    now_ms = 1000 * time.time()
    return columns(
        [
            (
                one.id[:8],
                f"{one.uses} of {one.max_uses} used",
                f"good for {lasting(int(one.expires_ms - now_ms) // 1000)}",
                "you decide" if one.approve else "",
            )
            for one in found.links
        ]
    )


def _forks(forks: list[s.LogFork]) -> list[str]:
    return [
        f"{bad('forked')}  {accent(one.name)} signed two entries with the number {one.seq}; see --json"
        for one in forks
    ]


def _rules(group: s.Group) -> list[str]:
    history = {"all": "everything", "from-join": "what is written after they joined"}
    read = history.get(group.history, f"the last {group.history} days")
    rules = [("id", group.group)]
    if group.history:
        rules += [("newcomers read", read), ("invite from", group.invite), ("write from", group.write)]
        final = "nobody" if group.confirm == "off" else f"{group.confirm} of the admins, or the founder"
        rules.append(("confirmed by", final))
    return columns(rules)


def _members(group: s.Group) -> list[str]:
    rows = [(accent(one.name), one.role, dim("you") if one.me else "") for one in group.members]
    rows += [(accent(name), "invited", "") for name in group.invited]
    rows += [(accent(name), bad("banned"), "") for name in group.banned]
    return columns(rows)
