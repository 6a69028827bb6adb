"""Groups: founding, inviting, joining, leaving. Every step is a signed operation in the group's log."""

from __future__ import annotations

from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.direct.items import GroupInvite, Item
from p2pchat.core.group.encoding import encode_operation
from p2pchat.core.group.graph import Act
from p2pchat.core.group.operations import (
    KIND,
    NONCE_SIZE,
    Add,
    Admit,
    Ban,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    Operation,
    Policy,
    Promote,
    Remove,
    Rename,
    Role,
    Seen,
)
from p2pchat.core.identity import clean_name
from p2pchat.core.ids import GroupId, PersonId
from p2pchat.core.log.entry import NO_CONVERSATION, Entry
from p2pchat.errors import DecodeError, NotAllowedError, ProtocolError, QuotaError, UsageError
from p2pchat.node.effects import CirclesChanged, GroupGrew, Wake
from p2pchat.node.features import chats, group_messages, group_views, log
from p2pchat.node.features.app import App
from p2pchat.node.features.names import name_of
from p2pchat.store import deliveries, events, groups, logs, outbox, people
from p2pchat.store import sessions as session_rows
from p2pchat.store.transaction import Reader, Transaction

SECRET_SIZE: Final = 32
MAX_INVITATIONS: Final = 200  # that wait for a decision
HISTORY: Final = {"all": None, "from-join": 0}
ROLE_NAMES: Final = {
    Role.OWNER: "owner",
    Role.ADMIN: "admin",
    Role.MEMBER: "member",
    Role.READER: "read-only",
}


def create(app: App, tx: Transaction, name: str, history: str) -> GroupId:
    """Found a group, of which I am the owner. Raises UsageError if the name or the policy cannot be used."""
    try:
        name = clean_name(name.removeprefix("#"))
    except DecodeError as error:
        raise UsageError(str(error)) from error
    if history not in HISTORY:
        raise UsageError(f"a group's history is one of {', '.join(HISTORY)}, not '{history}'")
    if any(
        one.name.casefold() == name.casefold() for one in groups.all_in(tx, "joined", "invited", "joining")
    ):
        raise UsageError(f"there is a group called #{name} already")
    policy = Policy(history_days=HISTORY[history])
    operation = Create(app.person, app.entropy(NONCE_SIZE), name, policy, app.card(tx))
    genesis = log.compose(app, tx, NO_CONVERSATION, KIND, encode_operation(operation))
    group = GroupId(genesis.conversation)
    secret = app.entropy(SECRET_SIZE)
    groups.put(tx, groups.Membership(group, name, "joined", secret, genesis.encode(), None))
    group_views.begin(app, tx, genesis)
    chats.show(app, tx, genesis, app.person, "group", f"founded #{name}")
    _changed(app, tx, group)
    return group


def invite(app: App, tx: Transaction, membership: groups.Membership, person: people.Person) -> None:
    """Invite a contact.

    Raises:
        NotAllowedError: he is no contact, a member already, banned, or the rules do not let me.
    """
    group_views.check_is_member(app, tx, membership)
    if person.state != "accepted":
        raise NotAllowedError(f"{person.petname} is not a contact: only contacts can be invited")
    now = app.groups.view(tx, membership.group)
    if person.id in now.members:
        raise NotAllowedError(f"{person.petname} is a member of #{membership.name} already")
    if person.id in now.banned or now.members[app.person].role < now.policy.invite:
        raise NotAllowedError(f"the rules of #{membership.name} do not let you invite {person.petname}")
    _do(app, tx, membership.group, Invite(app.person, person.id, Role.MEMBER))
    payload = GroupInvite(membership.group, membership.name, membership.secret, membership.genesis).encode()
    for device in people.devices(tx, person.id):
        outbox.put(tx, device.id, Item(items.GROUP_INVITE, payload))
        tx.effects.append(Wake(device.id))


def accept(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Accept an invitation: I join as soon as the log arrives from a member.

    Raises:
        NotAllowedError: there is none.
    """
    if membership.state not in ("invited", "declined"):
        raise NotAllowedError(f"there is no invitation to #{membership.name} to accept")
    groups.set_state(tx, membership.group, "joining")
    if group_views.view(app, tx, membership.group) is None:
        group_views.begin(app, tx, Entry.decode(membership.genesis))
    logs.touch(tx, membership.group, app.now_ms())
    _changed(app, tx, membership.group)


def decline(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Decline an invitation, without telling. Raises NotAllowedError if there is none."""
    if membership.state != "invited":
        raise NotAllowedError(f"there is no invitation to #{membership.name} to decline")
    groups.set_state(tx, membership.group, "declined")
    _changed(app, tx, membership.group)


def leave(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Leave a group; its history stays here. Raises NotAllowedError if I am not in it."""
    if membership.state == "joining":
        groups.set_state(tx, membership.group, "left")
        _changed(app, tx, membership.group)
        return
    group_views.check_is_member(app, tx, membership)
    own = logs.chain_head(tx, membership.group, app.device)
    seen = Seen(((app.device, own.seq),)) if own else Seen()
    others = group_views.persons(app, tx, membership.group) - {app.person}
    entry = _do(app, tx, membership.group, Leave(app.person, seen))
    deliveries.expect(tx, entry.id, others, app.now_ms())
    groups.set_state(tx, membership.group, "left")
    session_rows.drop_outbound(tx, membership.group)
    _changed(app, tx, membership.group)


def follow(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Do what new entries of a group's log ask of me: join, share keys, notice a removal or a new name."""
    group = membership.group
    now = group_views.view(app, tx, group)
    if now is None:
        return
    if now.name != membership.name:
        groups.set_name(tx, group, now.name)
    if membership.state == "joining":
        offer = group_views.open_offer(app, tx, group)
        if offer is None:
            return
        _do(app, tx, group, Join(app.person, offer, app.card(tx)))
        groups.set_state(tx, group, "joined")
        _changed(app, tx, group)
    elif app.person not in now.members:
        groups.set_state(tx, group, "removed")
        session_rows.drop_outbound(tx, group)
        _changed(app, tx, group)
    else:
        group_messages.share_with_newcomers(app, tx, group)


def show_act(app: App, tx: Transaction, entry: Entry, act: Act) -> None:
    """Make an operation of somebody else a line of the chat, and tell listeners."""
    words = _words(app, tx, act.operation)
    if words:
        chats.show(app, tx, entry, act.operation.by, "group", words)
    _changed(app, tx, GroupId(entry.conversation))


def take_invite(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact invites me.

    Raises:
        ProtocolError: malformed, or the genesis is not the group's.
        QuotaError: too many invitations wait already.
    """
    invitation = GroupInvite.decode(payload)
    genesis = Entry.decode(invitation.genesis)
    genesis.verify()
    if genesis.conversation != invitation.group:
        raise ProtocolError("the genesis is not the group's")
    known = groups.get(tx, invitation.group)
    if known and known.state in ("joined", "joining"):
        return
    if len(groups.all_in(tx, "invited")) >= MAX_INVITATIONS:
        raise QuotaError("too many group invitations wait for a decision")
    name = clean_name(invitation.name)
    # Having been in, I have the log: come back through it; else begin with the genesis.
    groups.put(
        tx,
        groups.Membership(
            invitation.group, name, "invited", invitation.secret, invitation.genesis, sender.person
        ),
    )
    events.record(
        tx,
        "group.invited",
        {"group": invitation.group.text, "name": name, "by": name_of(app, tx, sender.person)},
        app.now_ms(),
    )


def _do(app: App, tx: Transaction, group: GroupId, operation: Operation) -> Entry:
    entry = group_views.write(app, tx, group, KIND, encode_operation(operation))
    words = _words(app, tx, operation)
    if words:
        chats.show(app, tx, entry, app.person, "group", words)
    tx.effects.append(GroupGrew(group, (entry.encode(),)))
    return entry


def _changed(app: App, tx: Transaction, group: GroupId) -> None:
    membership = groups.get(tx, group)
    if membership:
        data = {"group": group.text, "name": membership.name, "state": membership.state}
        events.record(tx, "group.changed", data, app.now_ms())
    tx.effects.append(CirclesChanged())


def _words(app: App, tx: Reader, operation: Operation) -> str:
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
        case Leave():
            return "left"
        case Remove(person=person):
            return f"removed {name(person)}"
        case Ban(person=person):
            return f"banned {name(person)}"
        case Promote(person=person, role=role) | Demote(person=person, role=role):
            return f"made {name(person)} {ROLE_NAMES[role]}"
        case Rename(name=called):
            return f"renamed the group to #{called}"
    return ""
