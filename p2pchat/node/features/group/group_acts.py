"""Operations of a group as one does them and as the chat shows them."""

from __future__ import annotations

from typing import Final

from p2pchat.core.group.encoding import encode_operation
from p2pchat.core.group.graph import Act
from p2pchat.core.group.operations import (
    KIND,
    Add,
    Admit,
    Ban,
    Checkpoint,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    Link,
    NewCard,
    Operation,
    Promote,
    Remove,
    Rename,
    RevokeLink,
    Role,
    SetPolicy,
    Unban,
)
from p2pchat.core.ids import GroupId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.errors import NotAllowedError
from p2pchat.node.effects import CirclesChanged, GroupGrew
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats
from p2pchat.node.features.group import group_views
from p2pchat.node.features.people.names import name_of
from p2pchat.store import events, groups
from p2pchat.store.transaction import Reader, Transaction

ROLE_NAMES: Final = {
    Role.OWNER: "owner",
    Role.ADMIN: "admin",
    Role.MEMBER: "member",
    Role.READER: "read-only",
}


def do(app: App, tx: Transaction, group: GroupId, operation: Operation) -> Entry:
    """Write an operation, if it has an effect: the resolver is the one judge of what I may.

    Raises:
        NotAllowedError: it has none.
    """
    entry = group_views.write(app, tx, group, KIND, encode_operation(operation))
    if not app.groups.stands(tx, group, entry.id):
        raise NotAllowedError("the group's rules do not let you do that")
    words = words_of(app, tx, operation)
    if words:
        chats.show(app, tx, entry, app.person, "group", words)
    tx.effects.append(GroupGrew(group, (entry.encode(),)))
    changed(app, tx, group)
    return entry


def show_act(app: App, tx: Transaction, entry: Entry, act: Act) -> None:
    """Make an operation of somebody else a line of the chat, and tell listeners."""
    words = words_of(app, tx, act.operation)
    if words:
        chats.show(app, tx, entry, act.operation.by, "group", words)
    changed(app, tx, GroupId(entry.conversation))


def changed(app: App, tx: Transaction, group: GroupId) -> None:
    """Tell listeners and the node that my part in a group, or the group, is another now."""
    membership = groups.get(tx, group)
    if membership:
        data = {"group": group.text, "name": membership.name, "state": membership.state}
        events.record(tx, "group.changed", data, app.now_ms())
    tx.effects.append(CirclesChanged())


def words_of(app: App, tx: Reader, operation: Operation) -> str:
    """What the chat says of an operation, behind the name of who did it; empty if nothing."""

    def name(person: PersonId) -> str:
        return "you" if person == app.person else name_of(app, tx, person)

    match operation:
        case Create(name=called):
            return f"founded #{called}"
        case Invite(person=person):
            return f"invited {name(person)}"
        case Join():
            return "joined"
        case Add(person=person) | Admit(person=person):
            return f"added {name(person)}"
        case Link(max_uses=uses):
            return f"made an invite link for {uses} {'person' if uses == 1 else 'people'}"
        case RevokeLink():
            return "revoked an invite link"
        case Leave():
            return "left"
        case NewCard():
            return "uses a new device"
        case Remove(person=person):
            return f"removed {name(person)}"
        case Ban(person=person):
            return f"banned {name(person)}"
        case Promote(person=person, role=role) | Demote(person=person, role=role):
            return f"made {name(person)} {ROLE_NAMES[role]}"
        case Checkpoint():
            return "confirmed the removals so far"
        case Unban(person=person):
            return f"let {name(person)} be invited again"
        case Rename(name=called):
            return f"renamed the group to #{called}"
        case SetPolicy():
            return "changed the rules of the group"
    return ""
