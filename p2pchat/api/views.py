"""From what features give back to what the API shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from p2pchat.api import file_views
from p2pchat.api import schema as s
from p2pchat.core.files.attachment import wordless
from p2pchat.core.group.operations import Ban, Invite
from p2pchat.core.identity import fingerprint, safety_number
from p2pchat.core.ids import EntryId, GroupId
from p2pchat.core.log.order import shown_ms
from p2pchat.core.mentions import Mention, resolved
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import scheduling
from p2pchat.node.features.group import (
    group_acts,
    group_audit,
    group_checkpoints,
    group_links,
    group_views,
)
from p2pchat.node.features.group.group_acts import ROLE_NAMES
from p2pchat.node.features.ledger import ious
from p2pchat.node.features.mailbox.mailboxes import mailboxes_of, name_of_holder
from p2pchat.node.features.people.names import chat_name, name_of
from p2pchat.node.words import fingerprint_words
from p2pchat.store import deliveries, doors, files, groups, knocks, logs, mailboxes, messages, people
from p2pchat.store.events import Event as StoredEvent
from p2pchat.store.scheduled import Scheduled
from p2pchat.store.transaction import Reader, Transaction


def identity(app: App) -> s.Identity:
    """Who I am."""
    return s.Identity(
        name=app.name, person=app.person.text, device=app.device.text, fingerprint=fingerprint(app.person)
    )


def contact(app: App, tx: Reader, person: people.Person, *, whole: bool = True) -> s.Contact:
    """A person; computing the safety number takes milliseconds, so lists leave it out (`whole`)."""
    return s.Contact(
        person=person.id.text,
        name=person.petname,
        claimed_name=person.claimed_name,
        state=person.state,
        verified=person.verified,
        fingerprint=fingerprint(person.id),
        safety_number=safety_number(app.person, person.id) if whole else "",
        words=fingerprint_words(person.id) if whole else "",
        undecided=person.changed,
        message=person.greeting,
        introduced_by=name_of(app, tx, person.introduced_by) if person.introduced_by else "",
        mailboxes=mailboxes_of(tx, person) if whole else 0,
    )


def scheduled(app: App, tx: Reader, one: Scheduled) -> s.Scheduled:
    """A message that waits for its time."""
    return s.Scheduled(
        id=scheduling.id_text(one),
        chat=chat_name(app, tx, one.conversation),
        text=one.text,
        at_ms=one.at_ms,
        reply=one.reply.text if one.reply else None,
        expire_s=one.expires_s,
        refused=one.refused,
    )


def message(app: App, tx: Reader, one: messages.Message) -> s.Message:
    """A message with what is known of its deliveries."""
    waits = deliveries.of(tx, one.id) if one.mine else []
    places = mailboxes.places(tx, one.id) if len(waits) == 1 else []
    reactions = [
        s.Reaction(
            name=name_of(app, tx, reaction.person), emoji=reaction.emoji, me=reaction.person == app.person
        )
        for reaction in messages.reactions(tx, one.id)
    ]
    named = messages.mentions(tx, one.id) if one.kind == "text" else []
    reached = [_delivery(app, tx, delivery, places) for delivery in waits]
    attached = files.of_message(tx, one.id) if one.kind == "text" else []
    return _message(app, tx, one, reached, reactions, named, attached)


def message_sent(app: App, tx: Transaction, id: EntryId, *, has_files: bool = False) -> s.Message:
    """A message that this transaction has made: nobody has it, holds it or has said anything about it."""
    one = messages.get(tx, id)
    assert one is not None
    reached = [_delivery(app, tx, delivery, []) for delivery in deliveries.of(tx, id)]
    attached = files.of_message(tx, id) if has_files else []
    return _message(app, tx, one, reached, [], messages.new_mentions(tx, id), attached)


def _message(
    app: App,
    tx: Reader,
    one: messages.Message,
    reached: list[s.Delivery],
    reactions: list[s.Reaction],
    named: list[Mention],
    attached: list[files.File],
) -> s.Message:
    return s.Message(
        id=one.id.text,
        chat=chat_name(app, tx, one.conversation),
        sender=name_of(app, tx, one.person),
        mine=one.mine,
        kind=one.kind,
        text=_text(app, tx, one, named),
        sent_ms=shown_ms(one.sent_ms, one.received_ms),
        received_ms=one.received_ms,
        state=_state(one, reached),
        deliveries=reached,
        reply=one.reply.text if one.reply else None,
        reactions=reactions,
        edited_ms=one.edited_ms,
        expires_ms=max(0, one.expires_ms),
        once=one.expires_ms == messages.ONCE,
        pinned=one.pinned,
        starred=one.starred,
        person=one.person.text,
        iou=_iou_of(tx, one) if one.kind == "iou" else None,
        mentions=sorted({name_of(app, tx, mention.person) for mention in named}),
        mentions_me=any(mention.person == app.person for mention in named),
        files=[file_views.file(app, file) for file in attached],
        wordless=bool(attached) and one.text == wordless([file.about.name for file in attached]),
    )


def _text(app: App, tx: Reader, one: messages.Message, named: Sequence[Mention]) -> str:
    """What a message says, with the names that people have here today."""
    act = group_views.act_of(app, tx, one)
    if act is not None:
        return group_acts.words_of(app, tx, act.operation)
    return resolved(one.text, named, lambda person: name_of(app, tx, person))


def _iou_of(tx: Reader, one: messages.Message) -> str | None:
    found = ious.said_in(tx, one.id)
    return found.text if found else None


def _delivery(
    app: App, tx: Reader, delivery: deliveries.Delivery, places: list[mailboxes.Place]
) -> s.Delivery:
    """How far a message has come to one person, and who keeps it meanwhile."""
    failed = delivery.state == "failed"
    if not places and not failed:  # what a text to a group is told of each member
        return s.Delivery(name=name_of(app, tx, delivery.person), state=delivery.state, at_ms=delivery.at_ms)
    missing = [place for place in places if place.state == "refused"]
    return s.Delivery(
        name=name_of(app, tx, delivery.person),
        state=delivery.state,
        at_ms=delivery.at_ms,
        held_by=[name_of_holder(app, tx, place.holder) for place in places if place.state == "held"],
        holders=len(places),
        reason=delivery.reason if failed else ", ".join(sorted({place.reason for place in missing})),
        retry_ms=delivery.retry_ms if failed else min((place.retry_ms for place in missing), default=0),
    )


def message_in_full(app: App, tx: Reader, one: messages.Message) -> s.Message:
    """A message with what its log says of it: what its author had seen, and who was in the group for him."""
    shown, entry = message(app, tx, one), logs.get(tx, one.id)
    membership = groups.get(tx, GroupId(one.conversation))
    if entry is None:
        return shown
    shown = msgspec.structs.replace(
        shown,
        parents=[id.text for id in entry.header.parents],
        forked=logs.is_forked(tx, one.conversation, entry.header.device, entry.header.seq),
    )
    if membership is None or one.kind == "group":
        return shown
    view = group_audit.known_view(app, tx, membership.group, one.id)
    return msgspec.structs.replace(
        shown,
        view=view.id.hex(),
        members=len(view.members),
        verdict=group_audit.verdict(app, tx, membership.group, one.id).name.lower(),
    )


def fork(app: App, tx: Reader, one: logs.Fork) -> s.LogFork:
    """A proof that somebody's device signed two entries with one number."""
    known = people.device(tx, one.device)
    mine = one.device == app.device
    name = name_of(app, tx, known.person) if known else app.name if mine else one.device.short
    return s.LogFork(
        name=name, device=one.device.text, seq=one.seq, proof=base64.b64encode(one.proof).decode()
    )


def _state(one: messages.Message, reached: list[s.Delivery]) -> str:
    """The most that is true for a recipient, and for how many if not for all; of one, how many keep it."""
    if not one.mine:
        return "sealed" if one.kind == "sealed" else "received"
    if not reached:
        return "stored"
    if len(reached) == 1 and reached[0].state == "handed" and reached[0].holders:
        return f"handed {len(reached[0].held_by)}/{reached[0].holders}"
    for end in ("failed", "ended"):
        if all(delivery.state == end for delivery in reached):
            return end
    reached = [delivery for delivery in reached if delivery.state != "ended"]
    for state in ("read", "delivered", "handed"):
        count = sum(deliveries.RANK[delivery.state] >= deliveries.RANK[state] for delivery in reached)
        if count == len(reached):
            return state
        if count:
            return f"{state} {count}/{len(reached)}"
    return "queued"


def group(app: App, tx: Reader, membership: groups.Membership) -> s.Group:
    """A group with its members as the log says."""
    now = group_views.view(app, tx, membership.group)
    offers = now.offers.values() if now else ()
    return s.Group(
        group=membership.group.text,
        name=membership.name,
        state=membership.state,
        members=[
            s.Member(
                name=name_of(app, tx, person),
                person=person.text,
                role=ROLE_NAMES[member.role],
                me=person == app.person,
            )
            for person, member in (now.members.items() if now else ())
        ],
        invited=[
            name_of(app, tx, offer.operation.person)
            for offer in offers
            if isinstance(offer.operation, Invite)
        ],
        invited_by=name_of(app, tx, membership.invited_by) if membership.invited_by else "",
        history=_history(now.policy.history_days) if now else "",
        invite=ROLE_NAMES[now.policy.invite] if now else "",
        write=ROLE_NAMES[now.policy.write] if now else "",
        confirm=_confirm(now.policy.quorum) if now else "",
        unconfirmed=len(now.unconfirmed) if now else 0,
        banned=[name_of(app, tx, person) for person in sorted(now.banned)] if now else [],
        **_end(app, tx, membership),
        answer=waiting.answer if (waiting := knocks.get(tx, membership.group)) else "",
    )


def _end(app: App, tx: Reader, membership: groups.Membership) -> dict[str, Any]:
    """Why and since when I am out."""
    if membership.state != "removed":
        return {}
    act = group_views.my_end(app, tx, membership.group)
    if act is None:
        return {"ended": "your admission did not count: the link was used up, or who let you in was removed"}
    verb = "banned" if isinstance(act.operation, Ban) else "removed"
    return {"ended": f"{verb} by {name_of(app, tx, act.operation.by)}", "ended_ms": act.sent_ms}


def group_link(membership: groups.Membership, one: group_links.OpenLink, text: str = "") -> s.GroupLink:
    """An invite link, with the text to hand on if it was just made."""
    return s.GroupLink(
        id=one.id.text,
        group=membership.name,
        max_uses=one.operation.max_uses,
        uses=one.uses,
        expires_ms=one.operation.expires_ms,
        link=text,
    )


def group_door(membership: groups.Membership, one: doors.Door, text: str = "") -> s.GroupLink:
    """A link of mine by which people ask, with the text to hand on if it was just made."""
    return s.GroupLink(
        id=one.link.text,
        group=membership.name,
        max_uses=one.max_uses,
        uses=one.uses,
        expires_ms=one.expires_ms,
        link=text,
        approve=True,
    )


def _confirm(quorum: int) -> str:
    return "off" if quorum == group_checkpoints.NOBODY else str(quorum)


def _history(days: int | None) -> str:
    return "all" if days is None else str(days) if days else "from-join"


def event(stored: StoredEvent) -> s.Event:
    """An event as listeners get it."""
    return s.Event(seq=stored.seq, at_ms=stored.at_ms, type=stored.type, data=stored.data)
