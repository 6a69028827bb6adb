"""Groups."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class CreateGroup(Params):
    """Found a group."""

    name: str
    history: str = "from-join"  # what newcomers may read: all | from-join


class GroupWho(Params):
    """A group and a contact."""

    group: str
    who: str


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


class Groups(Result):
    """All groups I am in or invited to."""

    groups: list[Group]


METHODS: Final[dict[str, Method]] = {
    "group.create": Method(CreateGroup, Group, "store", "Found a group"),
    "group.list": Method(Nothing, Groups, "store", "My groups and invitations"),
    "group.show": Method(GroupName, Group, "store", "One group with its members"),
    "group.invite": Method(GroupWho, Group, "store", "Invite a contact"),
    "group.accept": Method(GroupName, Group, "store", "Accept an invitation"),
    "group.decline": Method(GroupName, Done, "store", "Decline an invitation"),
    "group.leave": Method(GroupName, Group, "store", "Leave a group"),
}
