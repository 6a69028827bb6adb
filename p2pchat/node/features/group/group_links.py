"""Invite links of groups: whoever holds one is let in by any member who is on line.

A link is an operation in the group's log that publishes a key, and a text that holds the key's secret.
The newcomer knocks at members' devices; a member checks what he shows and writes the operation that
admits him. Nobody else has to be there. docs/protocol/groups.md, 7
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.config import NetworkFile
from p2pchat.core.direct.items import GroupInvite
from p2pchat.core.group.encoding import MAX_USES
from p2pchat.core.group.knock import Answer, Knock, Refusal, Welcome
from p2pchat.core.group.link_text import MAX_DOORS, Door, GroupLink
from p2pchat.core.group.links import check_proof, prove
from p2pchat.core.group.operations import Admit, Link, RevokeLink, Role
from p2pchat.core.identity import Card
from p2pchat.core.ids import DeviceId, EntryId, GroupId
from p2pchat.core.invite import network_tag
from p2pchat.core.keys import SEED_SIZE, SigningKey
from p2pchat.core.log.entry import Entry
from p2pchat.errors import NotAllowedError, NotFoundError, ProtocolError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_acts, group_asking, group_messages, group_views
from p2pchat.node.features.people import contacts
from p2pchat.store import groups, knocks, logs, people
from p2pchat.store.transaction import Reader, Transaction

MAX_KNOCKS: Final = 100  # groups that I want to enter at the same time
MAX_LIFE_S: Final = 10 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link by which people can still come in."""

    id: EntryId
    operation: Link
    uses: int


def create(
    app: App,
    tx: Transaction,
    membership: groups.Membership,
    network: NetworkFile,
    *,
    max_uses: int,
    expires_s: int,
    role: Role = Role.MEMBER,
) -> GroupLink:
    """A link by which `max_uses` persons can come in during the next `expires_s` seconds.

    Raises:
        UsageError: a number is out of bounds.
        NotAllowedError: I am no member, or the rules do not let me invite.
    """
    if not 1 <= max_uses <= MAX_USES:
        raise UsageError(f"a link can let in 1 to {MAX_USES} people")
    if not 1 <= expires_s <= MAX_LIFE_S:
        raise UsageError("a link is good for at most ten years")
    group_views.check_is_member(app, tx, membership)
    secret = app.entropy(SEED_SIZE)
    expires_ms = app.now_ms() + 1000 * expires_s
    operation = Link(app.person, SigningKey(secret).public, role, max_uses, expires_ms)
    entry = group_acts.do(app, tx, membership.group, operation)
    return GroupLink(
        network_tag(network.name),
        membership.group,
        membership.name,
        entry.id,
        secret,
        expires_ms,
        _doors(app, tx, membership.group),
    )


def _doors(app: App, tx: Reader, group: GroupId) -> tuple[Door, ...]:
    """My own device, and some of other members who may admit, those with addresses first."""
    now = app.groups.view(tx, group)
    hosts = [
        Door(device, tuple(people.addresses(tx, device)))
        for device, person in now.persons.items()
        if now.members[person].role >= Role.MEMBER and device != app.device
    ]
    hosts.sort(key=lambda door: (not door.addresses, door.device))
    return (Door(app.device, app.addresses(tx)), *hosts)[:MAX_DOORS]


def open_links(app: App, tx: Reader, membership: groups.Membership) -> list[OpenLink]:
    """The links of a group that still let people in, the next to expire first."""
    now = group_views.view(app, tx, membership.group)
    found = [
        OpenLink(id, offer.operation, offer.uses)
        for id, offer in (now.offers.items() if now else ())
        if isinstance(offer.operation, Link) and offer.operation.expires_ms > app.now_ms()
    ]
    return sorted(found, key=lambda link: (link.operation.expires_ms, link.id))


def revoke(app: App, tx: Transaction, membership: groups.Membership, prefix: str) -> None:
    """Let nobody in any more by the link whose id begins with `prefix`.

    Raises:
        NotFoundError: no open link, or several, begin like that.
        NotAllowedError: the rules do not let me.
    """
    group_views.check_is_member(app, tx, membership)
    if group_asking.close(app, tx, membership, prefix):
        return
    found = [link for link in open_links(app, tx, membership) if link.id.text.startswith(prefix.lower())]
    if len(found) != 1 or not prefix:
        count = "several open links" if found else "no open link"
        raise NotFoundError(f"'{prefix}' is the beginning of {count}")
    group_acts.do(app, tx, membership.group, RevokeLink(app.person, found[0].id))


def join(app: App, tx: Transaction, text: str, network: NetworkFile) -> GroupId:
    """Ask to be let into a group by a link; I am in as soon as one of its members answers.

    Raises:
        UsageError: the link is malformed, of another network, or has expired; or I am a member.
    """
    link = GroupLink.parse(text)
    if link.network != network_tag(network.name):
        raise UsageError(f"the link belongs to another network than '{network.name}'")
    if link.expires_ms <= app.now_ms():
        raise UsageError("the link has expired: ask a member for another")
    known = groups.get(tx, link.group)
    if known and (known.state == "joined" or (known.state == "joining" and known.genesis)):
        raise UsageError(f"you are in #{known.name} already ({known.state})")
    if len(knocks.everyone(tx)) >= MAX_KNOCKS:
        raise UsageError("too many groups wait to let you in: leave some of them first")
    groups.put(tx, groups.Membership(link.group, link.name, "joining", b"", b"", None))
    doors = [door for door in link.doors if door.device != app.device]
    for door in doors:
        people.add_addresses(tx, door.device, door.addresses)
    devices = tuple(door.device for door in doors)
    knocks.put(tx, knocks.StoredKnock(link.group, link.link, link.secret, link.expires_ms, devices))
    group_acts.changed(app, tx, link.group)
    return link.group


def knock(app: App, tx: Reader, waiting: knocks.StoredKnock) -> bytes:
    """What I send to a member's device to be let in."""
    by_link, by_device = prove(SigningKey(waiting.secret), app.key, waiting.link, app.person)
    return Knock(waiting.group, waiting.link, app.card(tx), by_link, by_device).encode()


def answer(app: App, tx: Transaction, device: DeviceId, raw: bytes) -> Answer:
    """Let a newcomer in, or say why not. What he says that is no knock, or forged, raises ProtocolError."""
    said = Knock.decode(raw)
    card = Card.decode(said.card)
    if device not in {one.device for one in card.devices}:
        raise ProtocolError("a knock with the card of somebody else")
    membership = groups.get(tx, said.group)
    if membership is None or membership.state != "joined":
        return Refusal("the one who was asked is not in the group")
    now = app.groups.view(tx, said.group)
    if now.persons.get(device) == card.person:  # our first answer was lost, or another member was quicker
        return _welcome(app, tx, membership)
    asked = group_asking.hear(app, tx, device, said, card)
    if asked is not None:
        return asked
    offer = now.offers.get(said.link)
    if offer is None or not isinstance(link := offer.operation, Link):
        return Refusal("the link is used up or revoked, or not known yet to the member who was asked")
    if app.now_ms() > link.expires_ms:
        return Refusal("the link has expired")
    known = people.person(tx, card.person)
    if card.person in now.banned or (known and known.state == "blocked"):
        return Refusal("the member who was asked may not let you in")
    admit = Admit(
        app.person, card.person, said.link, said.card, device, said.link_signature, said.device_signature
    )
    check_proof(admit, link.key)
    try:
        with tx.savepoint():
            group_acts.do(app, tx, said.group, admit)
    except NotAllowedError:
        return Refusal("the member who was asked may not let you in")
    contacts.meet(app, tx, card, said.card)
    group_messages.share_with_newcomers(app, tx, said.group)
    return _welcome(app, tx, membership)


def _welcome(app: App, tx: Reader, membership: groups.Membership) -> Welcome:
    invitation = GroupInvite(membership.group, membership.name, membership.secret, membership.genesis)
    return Welcome(invitation.encode(), app.card(tx))


def take_answer(app: App, tx: Transaction, group: GroupId, device: DeviceId, given: Answer) -> bool:
    """What a member answered to my knock; whether I am in, which his log will show.

    Raises:
        ProtocolError: what he gave is not that group, or the card is not his.
    """
    waiting = groups.get(tx, group)
    if waiting is None or waiting.state != "joining" or knocks.get(tx, group) is None:
        return True  # another was quicker, or I have thought better of it
    if isinstance(given, Refusal):
        knocks.refused(tx, group, given.reason)
        return False
    invitation = GroupInvite.decode(given.invitation)
    genesis = Entry.decode(invitation.genesis)
    genesis.verify()
    host = Card.decode(given.card)
    if invitation.group != group or genesis.conversation != group:
        raise ProtocolError("a welcome into another group")
    if device not in {one.device for one in host.devices}:
        raise ProtocolError("a welcome with the card of somebody else")
    contacts.meet(app, tx, host, given.card)
    groups.put(
        tx,
        groups.Membership(group, waiting.name, "joining", invitation.secret, invitation.genesis, host.person),
    )
    if group_views.view(app, tx, group) is None:
        group_views.begin(app, tx, genesis)
    logs.touch(tx, group, app.now_ms())
    knocks.drop(tx, group)
    group_acts.changed(app, tx, group)
    return True
