"""Groups: founding, inviting, joining, leaving. Every step is a signed operation in the group's log."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from p2pchat.core.direct import items
from p2pchat.core.direct.items import GroupInvite, Item
from p2pchat.core.group.encoding import encode_operation
from p2pchat.core.group.operations import (
    KIND,
    NONCE_SIZE,
    Add,
    Ban,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    NewCard,
    Policy,
    Promote,
    Remove,
    Rename,
    Role,
    Seen,
    SetPolicy,
    Unban,
)
from p2pchat.core.group.view import GroupView
from p2pchat.core.identity import clean_name
from p2pchat.core.ids import DeviceId, GroupId, PersonId
from p2pchat.core.log.entry import NO_CONVERSATION, Entry
from p2pchat.errors import DecodeError, NotAllowedError, ProtocolError, QuotaError, UsageError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, log
from p2pchat.node.features.group import group_acts, group_checkpoints, group_messages, group_views
from p2pchat.node.features.people.names import name_of
from p2pchat.store import deliveries, events, groups, knocks, logs, outbox, people
from p2pchat.store import sessions as session_rows
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader, Transaction

SECRET_SIZE: Final = 32
MAX_INVITATIONS: Final = 200  # that wait for a decision
HISTORY: Final = {"all": None, "from-join": 0}
MAX_HISTORY_DAYS: Final = 36_500


def create(app: App, tx: Transaction, name: str, history: str) -> GroupId:
    """Found a group, of which I am the owner. Raises UsageError if the name or the policy cannot be used."""
    name = _clean(name)
    if any(
        one.name.casefold() == name.casefold() for one in groups.all_in(tx, "joined", "invited", "joining")
    ):
        raise UsageError(f"there is a group called #{name} already")
    policy = Policy(history_days=_history_days(history))
    operation = Create(app.person, app.entropy(NONCE_SIZE), name, policy, app.card(tx))
    genesis = log.compose(app, tx, NO_CONVERSATION, KIND, encode_operation(operation))
    group = GroupId(genesis.conversation)
    secret = app.entropy(SECRET_SIZE)
    groups.put(tx, groups.Membership(group, name, "joined", secret, genesis.encode(), None))
    group_views.begin(app, tx, genesis)
    chats.show(app, tx, genesis, app.person, "group", f"founded #{name}")
    group_acts.changed(app, tx, group)
    return group


def invite(app: App, tx: Transaction, membership: groups.Membership, person: people.Person) -> None:
    """Invite a contact.

    Raises:
        NotAllowedError: he is no contact, a member already, banned, or the rules do not let me.
    """
    group_views.check_is_member(app, tx, membership)
    if person.state != "accepted":
        raise NotAllowedError(f"{person.petname} is not a contact: only contacts can be invited")
    _check_is_out(app, tx, membership, person)
    group_acts.do(app, tx, membership.group, Invite(app.person, person.id, Role.MEMBER))
    _send_invitation(tx, membership, person)


def add(app: App, tx: Transaction, membership: groups.Membership, person: people.Person) -> None:
    """Make a contact a member at once: he reads from now on, though he may accept later, or never.

    Raises:
        NotAllowedError: he is no contact, a member already, banned, or the rules do not let me.
    """
    group_views.check_is_member(app, tx, membership)
    card = people.card(tx, person.id)
    if person.state != "accepted" or card is None:
        raise NotAllowedError(f"{person.petname} is not a contact: only contacts can be added")
    _check_is_out(app, tx, membership, person)
    group_acts.do(app, tx, membership.group, Add(app.person, person.id, Role.MEMBER, card))
    group_messages.share_with_newcomers(app, tx, membership.group)
    _send_invitation(tx, membership, person)


def _check_is_out(app: App, tx: Reader, membership: groups.Membership, person: people.Person) -> None:
    now = app.groups.view(tx, membership.group)
    if person.id in now.members:
        raise NotAllowedError(f"{person.petname} is a member of #{membership.name} already")
    if person.id in now.banned:
        raise NotAllowedError(
            f"{person.petname} is banned from #{membership.name}: `p2pchat group unban` first"
        )


def _send_invitation(tx: Transaction, membership: groups.Membership, person: people.Person) -> None:
    payload = GroupInvite(membership.group, membership.name, membership.secret, membership.genesis).encode()
    for device in people.devices(tx, person.id):
        outbox.put(tx, device.id, Item(items.GROUP_INVITE, payload))
        tx.effects.append(Wake(device.id))


def remove(
    app: App, tx: Transaction, membership: groups.Membership, person: people.Person, *, ban: bool = False
) -> None:
    """End somebody's membership or invitation; with `ban`, he cannot be invited again until unbanned.

    Raises:
        NotAllowedError: the rules do not let me, or he is neither member nor invited.
    """
    now = _view(app, tx, membership)
    member = now.members.get(person.id)
    heights = StoredLog(tx, membership.group).heights()
    devices = sorted(member.devices) if member else ()
    # Who was added may have said nothing yet.
    seen = Seen(tuple((device, heights[device]) for device in devices if device in heights))
    is_invited = any(
        isinstance(offer.operation, Invite) and offer.operation.person == person.id
        for offer in now.offers.values()
    )
    if not (member or is_invited or ban):
        raise NotAllowedError(f"{person.petname} is no member of #{membership.name}")
    operation = Ban(app.person, person.id, seen) if ban else Remove(app.person, person.id, seen)
    group_acts.do(app, tx, membership.group, operation)
    deliveries.end(tx, membership.group, group_views.persons(app, tx, membership.group), app.now_ms())


def unban(app: App, tx: Transaction, membership: groups.Membership, person: people.Person) -> None:
    """Let a banned person be invited again. Raises NotAllowedError."""
    if person.id not in _view(app, tx, membership).banned:
        raise NotAllowedError(f"{person.petname} is not banned from #{membership.name}")
    group_acts.do(app, tx, membership.group, Unban(app.person, person.id))


def set_role(
    app: App, tx: Transaction, membership: groups.Membership, person: PersonId, role_name: str
) -> None:
    """Give a member another role, or myself a lower one.

    Raises:
        UsageError: there is no such role.
        NotAllowedError: he is no member, has the role already, or the rules do not let me.
    """
    role = next((role for role, name in group_acts.ROLE_NAMES.items() if name == role_name), None)
    if role is None:
        raise UsageError(f"a role is one of {', '.join(group_acts.ROLE_NAMES.values())}, not '{role_name}'")
    member = _view(app, tx, membership).members.get(person)
    if member is None or member.role is role:
        raise NotAllowedError("there is nothing to change: no member, or of that role already")
    kind = Promote if role > member.role else Demote
    group_acts.do(app, tx, membership.group, kind(app.person, person, role))


def rename(app: App, tx: Transaction, membership: groups.Membership, name: str) -> None:
    """Give the group another name. Raises UsageError, or NotAllowedError if the rules do not let me."""
    name = _clean(name)
    group_views.check_is_member(app, tx, membership)
    group_acts.do(app, tx, membership.group, Rename(app.person, name))
    groups.set_name(tx, membership.group, name)


def set_policy(app: App, tx: Transaction, membership: groups.Membership, changes: dict[str, str]) -> None:
    """Change rules: `history` (all, from-join, or a number of days), `invite` and `write` (the least role),
    and `confirm` (how many admins make a removal final, or off).

    Raises:
        UsageError: a value is none of those.
        NotAllowedError: the rules do not let me.
    """
    policy = _view(app, tx, membership).policy
    if "history" in changes:
        policy = replace(policy, history_days=_history_days(changes["history"]))
    for key in ("invite", "write"):
        if key in changes:
            role = next((role for role, name in group_acts.ROLE_NAMES.items() if name == changes[key]), None)
            if role is None:
                raise UsageError(f"'{changes[key]}' is no role: {', '.join(group_acts.ROLE_NAMES.values())}")
            policy = replace(policy, invite=role) if key == "invite" else replace(policy, write=role)
    if "confirm" in changes:
        policy = replace(policy, quorum=_quorum(changes["confirm"]))
    group_acts.do(app, tx, membership.group, SetPolicy(app.person, policy))


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
    group_acts.changed(app, tx, membership.group)


def decline(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Decline an invitation, without telling. Raises NotAllowedError if there is none."""
    if membership.state != "invited":
        raise NotAllowedError(f"there is no invitation to #{membership.name} to decline")
    groups.set_state(tx, membership.group, "declined")
    group_acts.changed(app, tx, membership.group)


def leave(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Leave a group; its history stays here. Raises NotAllowedError if I am not in it."""
    if membership.state == "joining":
        groups.set_state(tx, membership.group, "left")
        knocks.drop(tx, membership.group)
        group_acts.changed(app, tx, membership.group)
        return
    group_views.check_is_member(app, tx, membership)
    own = logs.chain_head(tx, membership.group, app.device)
    seen = Seen(((app.device, own.seq),)) if own else Seen()
    others = group_views.persons(app, tx, membership.group) - {app.person}
    entry = group_acts.do(app, tx, membership.group, Leave(app.person, seen))
    deliveries.expect(tx, entry.id, others, app.now_ms())
    groups.set_state(tx, membership.group, "left")
    session_rows.drop_outbound(tx, membership.group)
    group_acts.changed(app, tx, membership.group)


def announce_device(app: App, tx: Transaction, membership: groups.Membership, gone: DeviceId) -> None:
    """Tell a group that I write from this device now, and no longer from the one that is `gone`."""
    own = logs.chain_head(tx, membership.group, gone)
    seen = Seen(((gone, own.seq),)) if own else Seen()
    group_acts.do(app, tx, membership.group, NewCard(app.person, app.card(tx), seen))


def follow(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Do what new entries of a group's log ask of me: join, share keys, notice a removal or a new name."""
    group = membership.group
    now = group_views.view(app, tx, group)
    if now is None:
        return
    if now.name != membership.name:
        groups.set_name(tx, group, now.name)
    if membership.state == "joining" and app.person in now.members:  # added, or admitted by a link
        groups.set_state(tx, group, "joined")
        group_acts.changed(app, tx, group)
    elif membership.state == "joining":
        offer = group_views.open_offer(app, tx, group)
        if offer is None:
            return
        try:
            with tx.savepoint():
                group_acts.do(app, tx, group, Join(app.person, offer, app.card(tx)))
        except NotAllowedError:
            return  # what I know so far does not let me in; more may come
        groups.set_state(tx, group, "joined")
        group_acts.changed(app, tx, group)
    elif app.person not in now.members:
        if membership.state != "removed":
            groups.set_state(tx, group, "removed")
            session_rows.drop_outbound(tx, group)
            group_acts.changed(app, tx, group)
    else:
        if membership.state == "removed":  # whoever removed me had lost the right to
            groups.set_state(tx, group, "joined")
            group_acts.changed(app, tx, group)
        group_checkpoints.hide_refused(tx, group, now)
        deliveries.end(tx, group, now.members.keys(), app.now_ms())
        group_messages.share_with_newcomers(app, tx, group)


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
    knocks_only = known is not None and known.state == "joining" and not known.genesis
    if known and known.state in ("joined", "joining", "invited") and not knocks_only:
        return
    if len(groups.all_in(tx, "invited")) >= MAX_INVITATIONS:
        raise QuotaError("too many group invitations wait for a decision")
    name = clean_name(invitation.name)
    knocks.drop(tx, invitation.group)
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


def _view(app: App, tx: Reader, membership: groups.Membership) -> GroupView:
    group_views.check_is_member(app, tx, membership)
    return app.groups.view(tx, membership.group)


def _clean(name: str) -> str:
    try:
        return clean_name(name.removeprefix("#"))
    except DecodeError as error:
        raise UsageError(str(error)) from error


def _quorum(text: str) -> int:
    if text == "off":
        return group_checkpoints.NOBODY
    if text.isascii() and text.isdigit() and 1 <= int(text) < group_checkpoints.NOBODY:
        return int(text)
    raise UsageError(f"'{text}' is not a number of admins from 1 to {group_checkpoints.NOBODY - 1}, nor off")


def _history_days(history: str) -> int | None:
    if history in HISTORY:
        return HISTORY[history]
    if history.isascii() and history.isdigit() and int(history) <= MAX_HISTORY_DAYS:
        return int(history)
    raise UsageError(f"a group's history is {', '.join(HISTORY)}, or a number of days, not '{history}'")
