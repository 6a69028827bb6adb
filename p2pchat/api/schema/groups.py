"""Groups."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class CreateGroup(Params):
    """Found a group."""

    name: str
    history: str = "from-join"  # what newcomers may read: all | from-join | a number of days


class GroupWho(Params):
    """A group and a contact."""

    group: str
    who: str


class RemoveMember(Params):
    """End a membership or an invitation; with `ban`, the person cannot be invited again."""

    group: str
    who: str
    ban: bool = False


class SetRole(Params):
    """Give a member another role: owner, admin, member or read-only. Without `who`, myself."""

    group: str
    role: str
    who: str | None = None


class RenameGroup(Params):
    """Give a group another name."""

    group: str
    name: str


class SetPolicy(Params):
    """Change the rules of a group; what is left out stays."""

    group: str
    history: str | None = None  # all | from-join | a number of days
    invite: str | None = None  # the least role that may invite
    write: str | None = None  # the least role that may write
    confirm: str | None = None  # how many admins make a removal final, or off


class CreateGroupLink(Params):
    """Make an invite link."""

    group: str
    max_uses: int = 10  # how many persons it lets in
    expires_s: int = 7 * 86_400
    approve: bool = False  # whoever comes by it asks, and I decide


class RevokeGroupLink(Params):
    """Let nobody in any more by an invite link."""

    group: str
    link: str  # its id or the beginning of it


class JoinGroup(Params):
    """Enter a group by an invite link."""

    link: str


class GroupName(Params):
    """A group."""

    group: str


class Member(Result):
    """A member of a group."""

    name: str
    person: str
    role: str  # owner | admin | member | read-only
    me: bool


class Group(Result):
    """A group as I see it."""

    group: str  # id
    name: str
    state: str  # invited | joined | left | removed
    members: list[Member]
    invited: list[str]  # names of persons invited and not yet joined
    invited_by: str = ""
    history: str = ""  # all | from-join | a number of days
    invite: str = ""  # the least role that may invite
    write: str = ""  # the least role that may write
    confirm: str = ""  # how many admins make a removal final, or off
    unconfirmed: int = 0  # removals that are not final yet
    banned: list[str] = msgspec.field(default_factory=list)
    ended: str = ""  # why I am out: "removed by ann"
    ended_ms: int = 0
    answer: str = ""  # while a link is to let me in: why a member did not, the last time


class GroupLink(Result):
    """An invite link of a group."""

    id: str
    group: str  # name
    max_uses: int
    uses: int
    expires_ms: int
    link: str = ""  # the text to hand on; known only when it is made
    approve: bool = False  # whoever comes by it asks, and I decide


class Applicant(Result):
    """Somebody who asks to come into a group by a link of mine."""

    name: str  # on their card: not proven by anybody
    person: str
    fingerprint: str
    asked_ms: int
    rejected: bool


class Applicants(Result):
    """All who ask, and those whom I have rejected."""

    applicants: list[Applicant]


class ApproveApplicant(Params):
    """Let somebody in who asks, or reject them."""

    group: str
    who: str
    on: bool = True


class GroupLinks(Result):
    """Invite links that still let people in."""

    links: list[GroupLink]


class Groups(Result):
    """All groups I am in or invited to."""

    groups: list[Group]


class GroupDeed(Result):
    """One operation of a group's log."""

    id: str
    by: str
    words: str
    sent_ms: int
    stands: bool  # whether it counts
    after: list[str]  # ids of the newest operations that its author knew


class LogFork(Result):
    """A member's device signed two different entries with one number; anybody can check the proof."""

    name: str
    device: str
    seq: int
    proof: str  # base64 of docs/protocol/log.md, 5


class GroupLog(Result):
    """All operations of a group, in display order."""

    deeds: list[GroupDeed]
    forks: list[LogFork] = msgspec.field(default_factory=list)


class GroupAudit(Result):
    """What a check of the whole log found; with equal fingerprint and view two members agree."""

    group: str
    good: bool
    entries: int
    operations: int
    unproven: int  # entries without a good signature
    dangling: int  # entries that refer to one that is missing
    forks: int  # numbers that a device has used twice
    fingerprint: str  # of the log
    view: str  # of the members and their devices
    proofs: list[LogFork] = msgspec.field(default_factory=list)


METHODS: Final[dict[str, Method]] = {
    "group.create": Method(CreateGroup, Group, "store", "Found a group"),
    "group.list": Method(Nothing, Groups, "store", "My groups and invitations"),
    "group.show": Method(GroupName, Group, "store", "One group with its members"),
    "group.invite": Method(GroupWho, Group, "store", "Invite a contact"),
    "group.link": Method(CreateGroupLink, GroupLink, "store", "Make an invite link"),
    "group.links": Method(GroupName, GroupLinks, "store", "Invite links that still let people in"),
    "group.revoke": Method(RevokeGroupLink, GroupLinks, "store", "Let nobody in by a link any more"),
    "group.applicants": Method(GroupName, Applicants, "store", "Who asks to come in by a link of mine"),
    "group.approve": Method(ApproveApplicant, Group, "store", "Let somebody in who asks, or reject them"),
    "group.join": Method(JoinGroup, Group, "store", "Enter a group by an invite link"),
    "group.add": Method(GroupWho, Group, "store", "Make a contact a member at once"),
    "group.log": Method(GroupName, GroupLog, "store", "Every operation, and whether it counts"),
    "group.verify": Method(GroupName, GroupAudit, "store", "Check the whole log"),
    "group.remove": Method(RemoveMember, Group, "store", "Remove or ban somebody"),
    "group.unban": Method(GroupWho, Group, "store", "Let a banned person be invited again"),
    "group.role": Method(SetRole, Group, "store", "Give a member another role"),
    "group.rename": Method(RenameGroup, Group, "store", "Give the group another name"),
    "group.policy": Method(SetPolicy, Group, "store", "Change the rules of the group"),
    "group.confirm": Method(GroupName, Group, "store", "Confirm the removals so far"),
    "group.rotate": Method(GroupName, Group, "store", "Seal what I write from now on by a new key"),
    "group.accept": Method(GroupName, Group, "store", "Accept an invitation"),
    "group.decline": Method(GroupName, Done, "store", "Decline an invitation"),
    "group.leave": Method(GroupName, Group, "store", "Leave a group"),
}
