"""Links behind which I decide: whoever holds one can ask, and is in once I have approved.

Such a link stands in no log, so no other member can let anybody in by it, and my node has to be on for
asking and for the answer. Who is approved becomes a member by the operation that adds one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from p2pchat.config import NetworkFile
from p2pchat.core.group.encoding import MAX_USES
from p2pchat.core.group.knock import Knock, Refusal
from p2pchat.core.group.link_text import Door, GroupLink
from p2pchat.core.group.links import check_proof
from p2pchat.core.group.operations import Add, Admit, Role
from p2pchat.core.identity import Card
from p2pchat.core.ids import DeviceId, EntryId, GroupId
from p2pchat.core.invite import network_tag
from p2pchat.core.keys import SEED_SIZE, SigningKey
from p2pchat.errors import NotFoundError, QuotaError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_acts, group_messages, group_views
from p2pchat.node.features.people import contacts
from p2pchat.store import doors, events, groups
from p2pchat.store.transaction import Reader, Transaction

MAX_DOORS: Final = 64  # of one group
MAX_ASKING: Final = 100  # at one group
MAX_LIFE_S: Final = 366 * 86_400
_LEAST_PREFIX: Final = 4  # letters of an id


def create(
    app: App,
    tx: Transaction,
    membership: groups.Membership,
    network: NetworkFile,
    *,
    max_uses: int,
    expires_s: int,
) -> GroupLink:
    """A link by which people can ask during the next `expires_s` seconds, until `max_uses` are in.

    Raises:
        UsageError: a number is out of bounds.
        NotAllowedError: I am no member.
        QuotaError: too many such links are open.
    """
    if not 1 <= max_uses <= MAX_USES:
        raise UsageError(f"a link can let in 1 to {MAX_USES} people")
    if not 1 <= expires_s <= MAX_LIFE_S:
        raise UsageError("a link by which people ask is good for at most a year")
    group_views.check_is_member(app, tx, membership)
    if len(doors.of(tx, membership.group)) >= MAX_DOORS:
        raise QuotaError("too many links of this group are open: revoke some of them first")
    secret, link = app.entropy(SEED_SIZE), EntryId(app.entropy(EntryId.size))
    expires_ms = app.now_ms() + 1000 * expires_s
    key = SigningKey(secret).public
    doors.put(tx, doors.Door(link, membership.group, key, max_uses, 0, expires_ms))
    here = (Door(app.device, app.addresses(tx)),)
    return GroupLink(
        network_tag(network.name), membership.group, membership.name, link, secret, expires_ms, here
    )


def close(app: App, tx: Transaction, membership: groups.Membership, prefix: str) -> bool:
    """Let nobody ask any more by my link whose id begins so; whether there is one."""
    found = [one for one in doors.of(tx, membership.group) if one.link.text.startswith(prefix.lower())]
    if len(found) != 1 or not prefix:
        return False
    doors.close(tx, found[0].link)
    return True


def hear(app: App, tx: Transaction, device: DeviceId, said: Knock, card: Card) -> Refusal | None:
    """Somebody knocks by a link of mine: what he is told; None if the link is none of mine.

    Raises:
        ProtocolError: he does not hold the link's secret.
    """
    door = doors.get(tx, said.link)
    if door is None or door.group != said.group:
        return None
    claim = Admit(
        app.person, card.person, said.link, said.card, device, said.link_signature, said.device_signature
    )
    check_proof(claim, door.key)
    if app.now_ms() > door.expires_ms or door.uses >= door.max_uses:
        return Refusal("the link has expired or is used up")
    if card.person in app.groups.view(tx, said.group).banned:
        return Refusal("the member who was asked may not let you in")
    known = {one.person: one for one in doors.who_asks(tx, said.group)}
    before = known.get(card.person)
    if before is not None and before.rejected:
        return Refusal("the member who was asked does not let you in")
    if before is None and len(known) >= MAX_ASKING:
        return Refusal("too many ask: try again later")
    asked_ms = before.asked_ms if before else app.now_ms()
    doors.ask(tx, doors.Asking(said.group, card.person, said.link, card.name, said.card, asked_ms))
    if before is None:
        membership = groups.get(tx, said.group)
        assert membership is not None
        events.record(tx, "group.asked", {"name": membership.name, "by": card.name}, app.now_ms())
    return Refusal("you have asked: the member whose link it is has to let you in")


def approve(app: App, tx: Transaction, membership: groups.Membership, who: str) -> None:
    """Make a member of somebody who asks; he learns it at his next knock.

    Raises:
        NotFoundError: nobody who asks is called so, or several are.
        NotAllowedError: the rules do not let me.
    """
    one = _find(tx, membership.group, who)
    contacts.meet(app, tx, Card.decode(one.card), one.card)
    group_acts.do(app, tx, membership.group, Add(app.person, one.person, Role.MEMBER, one.card))
    group_messages.share_with_newcomers(app, tx, membership.group)
    doors.use(tx, one.link)
    doors.forget(tx, membership.group, one.person)


def reject(app: App, tx: Transaction, membership: groups.Membership, who: str) -> None:
    """Do not let somebody in; he is told when he knocks again. Raises NotFoundError."""
    doors.ask(tx, replace(_find(tx, membership.group, who), rejected=True))


def _find(tx: Reader, group: GroupId, who: str) -> doors.Asking:
    name = who.removeprefix("@").casefold()
    asking = doors.who_asks(tx, group)
    found = [one for one in asking if one.name.casefold() == name] or [
        one for one in asking if len(name) >= _LEAST_PREFIX and one.person.text.startswith(name)
    ]
    if len(found) != 1:
        several = "several who ask are" if found else "nobody who asks is"
        raise NotFoundError(f"{several} called '{who}': see `p2pchat group approve GROUP`")
    return found[0]
