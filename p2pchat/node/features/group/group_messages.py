"""What members say in a group: sealed with the author's sender key, opened when the key is there.

A sender key belongs to the set of people who may read: whoever sees that somebody must no longer read
starts a new one before the next message. Keys travel in envelopes; a member who lacks one asks the
members he is connected with, who share it as far back as the group's history policy lets him read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from p2pchat.core import content
from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item, KeysWanted
from p2pchat.core.ids import DeviceId, EntryId, GroupId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.core.ratchet.bursts import KEY_SIZE, Burst, GroupBody, open_body, open_key
from p2pchat.core.ratchet.errors import Reason, UndecryptableError
from p2pchat.core.ratchet.megolm import GroupSessionId, SenderKey
from p2pchat.core.ratchet.sender_keys import InboundGroupSession, OutboundGroupSession
from p2pchat.errors import DecodeError, ProtocolError
from p2pchat.node.effects import GroupGrew, Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, contents
from p2pchat.node.features.group import group_views
from p2pchat.store import deliveries, groups, logs, messages, outbox, people, sessions
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

KIND: Final = "sealed"  # header.kind of messages in a group
MAX_EARLY_KEYS: Final = 4  # of one device that is not known to be a member
MAX_OPEN: Final = 256  # sender keys kept in memory; those of others are read again
MAX_ASKED: Final = 32  # sender keys asked for in one item
_BURST: Final = "burst"  # by this name and the group a commit remembers what seals its messages
_AT_HAND: Final = "sender_session"  # by this table and the group a commit remembers the key itself
_WAITING: Final = "The key for this message has not arrived yet; it is asked for."
_BEFORE: Final = "Written before you joined: this group does not show its past to newcomers."


def say(app: App, tx: Transaction, membership: groups.Membership, said: content.Sayable) -> EntryId:
    """Say something in a group: stored and on its way to the members when this returns.

    Raises:
        NotAllowedError: I am not a member, or the group's rules do not let me write.
    """
    group_views.check_may_write(app, tx, membership)
    body = content.encode_content(said, app.entropy(content.SALT_SIZE))
    session = _outbound(app, tx, membership.group)
    sealed = _burst(app, tx, session).seal(body)
    _keep_outbound(app, tx, session)
    entry = group_views.write(app, tx, membership.group, KIND, sealed.encode())
    readers = group_views.persons(app, tx, membership.group) - {app.person}
    deliveries.expect(tx, entry.id, readers, app.now_ms())
    contents.apply_mine(app, tx, entry, said)
    tx.effects.append(GroupGrew(membership.group, (entry.encode(),), pushed=True))
    return entry.id


def share_with_newcomers(app: App, tx: Transaction, group: GroupId) -> None:
    """Give my present sender key to members who do not have it yet; rotation is left to the next message."""
    session = _stored_outbound(app, tx, group)
    if session:
        _share(app, tx, session)


def rotate(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Begin a new sender key now: whoever stole the present one reads nothing that I write from here on.

    Raises:
        NotAllowedError: I am not a member, or may not write.
    """
    group_views.check_may_write(app, tx, membership)
    view = group_views.readers_view(app, tx, membership.group)
    _share(app, tx, _new_outbound(app, tx, membership.group, view))


def show_taken(app: App, tx: Transaction, entry: Entry, person: PersonId) -> None:
    """Do what a stored message of another member says, or show why it cannot be read yet."""
    if entry.body is None:
        if group_views.is_before_me(app, tx, entry):
            chats.show(app, tx, entry, person, "sealed", _BEFORE)
        else:
            chats.show(app, tx, entry, person, "missing", "What this said has not come along.")
        return
    try:
        session, body = _open(app, tx, entry)
    except ProtocolError as error:
        logger.warning("A message of %s cannot be read: %s.", entry.header.device.short, error)
        chats.show(app, tx, entry, person, "unknown", "a message that cannot be read")
        return
    if body is not None:
        contents.apply(app, tx, entry, person, body)
    elif group_views.is_before_me(app, tx, entry):
        chats.show(app, tx, entry, person, "sealed", _BEFORE)
    else:
        chats.show(app, tx, entry, person, "sealed", _WAITING, session=session)


def show_ahead(app: App, tx: Transaction, entry: Entry, person: PersonId) -> None:
    """Show a text whose place in the log cannot be checked yet, if it can be read."""
    if group_views.is_before_me(app, tx, entry):
        return
    with suppress(ProtocolError):
        _, body = _open(app, tx, entry)
        if body is not None and isinstance(content.decode_content(body), content.Text):
            contents.apply(app, tx, entry, person, body)


def ask_for_keys(app: App, group: GroupId, devices: Sequence[DeviceId], tx: Transaction, *, most: int) -> int:
    """Ask connected members for the sender keys that messages wait for; how many are missing.

    The authors are asked if they are among `devices`, and others in that order, at most `most` in all.
    """
    found = messages.missing_sessions(tx, group, limit=MAX_ASKED)
    if found:
        missing = sorted({session for session, _ in found})
        wanted = Item(items.GROUP_KEY_WANTED, KeysWanted(group, tuple(missing)).encode())
        authors, members = {author for _, author in found}, group_views.member_devices(app, tx, group)
        asked = sorted((one for one in devices if one in members), key=lambda one: one not in authors)
        for device in asked[:most]:
            outbox.drop(tx, device, items.GROUP_KEY_WANTED, beginning=items.about_same(wanted.payload))
            outbox.put(tx, device, wanted)
            tx.effects.append(Wake(device))
    return len(found)


# --- from peers -----------------------------------------------------------------------------------


def take_key(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A sender key, from the device that made it or from a member who passes it on.

    An exported key is not signed: whoever passes one on may have made it up. So it is believed only if it
    opens a message that waits, and it never stands against what the author gave himself.

    Raises:
        ProtocolError: malformed, of a group I am not in, of somebody who is no member, or made up.
    """
    key = SenderKey.decode(payload)
    membership = groups.get(tx, key.group)
    # Who has not heard that I was removed still writes for me, and may.
    if membership is None or membership.state not in ("joining", "joined", "removed"):
        raise ProtocolError("a sender key of a group I am not in")
    if key.author == app.device:
        return
    # Somebody may be a member before his joining has reached us: a few keys of his own are kept.
    is_member = sender.id in group_views.member_devices(app, tx, key.group)
    is_early = sender.id == key.author and sessions.count_inbound(tx, key.group, key.author) < MAX_EARLY_KEYS
    if membership.state != "joining" and not (is_member or is_early):
        raise ProtocolError("a sender key from somebody who is no member")
    if people.device(tx, key.author) is None:
        raise ProtocolError("a sender key of an unknown device")
    _keep_key(app, tx, key, first_hand=sender.id == key.author)
    for message in messages.sealed(tx, key.group, key.session_id, key.author):
        show_again(app, tx, message)


def _keep_key(app: App, tx: Transaction, key: SenderKey, *, first_hand: bool) -> None:
    session = InboundGroupSession.from_sender_key(key)
    stored = sessions.inbound(tx, key.session_id, key.author)
    if stored and stored.group == key.group:
        held = InboundGroupSession.from_bytes(stored.state, app.pickle_key)
        try:
            session = held.merged(session)
        except UndecryptableError:
            if stored.first_hand or not first_hand:
                raise
        first_hand = first_hand or stored.first_hand
    elif not first_hand and not _opens_something(tx, key, session):
        raise ProtocolError("a sender key that was passed on and opens nothing")
    state = session.to_bytes(app.pickle_key)
    sessions.put_inbound(tx, key.session_id, key.group, key.author, state, first_hand=first_hand)


def _opens_something(tx: Reader, key: SenderKey, session: InboundGroupSession) -> bool:
    for message in messages.sealed(tx, key.group, key.session_id, key.author):
        entry = logs.get(tx, message.id)
        assert entry is not None
        with suppress(ProtocolError):
            open_body(session, read_sealed(entry.body))
            return True
    return False


def take_keys_wanted(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A member asks for sender keys: share those that I hold, as far back as he may read.

    Raises:
        ProtocolError: malformed, or he is no member of the group.
    """
    wanted = KeysWanted.decode(payload)
    if sender.id not in group_views.member_devices(app, tx, wanted.group):
        raise ProtocolError("sender keys asked for by somebody who is no member")
    reads_from = group_views.reads_from(app, tx, wanted.group, sender.person)
    for name in sorted(set(wanted.sessions)):
        for state in sessions.inbound_named(tx, wanted.group, name):
            session = InboundGroupSession.from_bytes(state, app.pickle_key)
            index = _readable_from(tx, session, reads_from)
            if index is not None:
                _give(tx, sender.id, session.sender_key(index))


def read_sealed(body: bytes | None) -> GroupBody:
    """The body of a sealed message. Raises DecodeError."""
    if body is None:
        raise DecodeError("the message was erased")
    return GroupBody.decode(body)


def _outbound(app: App, tx: Transaction, group: GroupId) -> OutboundGroupSession:
    """My sender key for the people who may read now, shared with all of them."""
    view = group_views.readers_view(app, tx, group)
    session = _stored_outbound(app, tx, group)
    if session is None or session.should_rotate(view, app.now_ms()):
        session = _new_outbound(app, tx, group, view)
    _share(app, tx, session)
    return session


def _new_outbound(app: App, tx: Transaction, group: GroupId, view: bytes) -> OutboundGroupSession:
    session = OutboundGroupSession.create(group, app.device, view, app.now_ms())
    # Kept from the first message on, to be shared later.
    inbound = session.inbound().to_bytes(app.pickle_key)
    sessions.put_inbound(tx, session.session_id, group, app.device, inbound)
    _keep_outbound(app, tx, session)
    return session


def _stored_outbound(app: App, tx: Reader, group: GroupId) -> OutboundGroupSession | None:
    at_hand: OutboundGroupSession | None = tx.recall(_AT_HAND, group)
    if at_hand is not None:
        return at_hand
    stored = sessions.outbound(tx, group)
    if stored is None:
        return None
    state, session = app.sealing.get(group, (b"", None))
    if session is None or state != stored[0]:  # a transaction that had moved it on was undone
        return OutboundGroupSession.from_bytes(stored[0], app.pickle_key)
    return session


def _keep_outbound(app: App, tx: Transaction, session: OutboundGroupSession) -> None:
    """Store my sender key as it is after the last message of the commit."""

    def keep() -> None:
        state = session.to_bytes(app.pickle_key)
        sessions.put_outbound(tx, session.group, state, session.view)
        app.sealing[session.group] = state, session

    tx.remember(_AT_HAND, session.group, session)
    tx.flush_first((_AT_HAND, session.group), frozenset({"sender_session"}), keep)


def _burst(app: App, tx: Transaction, session: OutboundGroupSession) -> Burst:
    """What seals the next message: with those that are said in the same commit, under one key."""
    burst: Burst | None = tx.recall(_BURST, session.group)
    if burst is None or not burst.goes_on(session):
        burst = Burst(session, app.entropy(KEY_SIZE))
        tx.remember(_BURST, session.group, burst)
    return burst


def _share(app: App, tx: Transaction, session: OutboundGroupSession) -> None:
    lacking = group_views.member_devices(app, tx, session.group) - {app.device}
    lacking -= sessions.sent_to(tx, session.session_id)
    if not lacking:
        return
    tx.remember(_BURST, session.group, None)  # who gets the key from here on could not open what goes on
    stored = sessions.inbound(tx, session.session_id, app.device)
    assert stored is not None
    inbound = InboundGroupSession.from_bytes(stored.state, app.pickle_key)
    for device in sorted(lacking):
        known = people.device(tx, device)
        if known is None:
            continue
        reads_from = group_views.reads_from(app, tx, session.group, known.person)
        index = _readable_from(tx, inbound, reads_from) if session.count else None
        _give(tx, device, inbound.sender_key(session.count if index is None else index))
        sessions.mark_sent(tx, session.session_id, device)


def _give(tx: Transaction, device: DeviceId, key: SenderKey) -> None:
    item = Item(items.GROUP_KEY, key.encode())
    if outbox.has(tx, device, item):
        return  # asked for again before it could be sent
    outbox.put(tx, device, item)
    tx.effects.append(Wake(device))


def _readable_from(tx: Reader, session: InboundGroupSession, lamport: int) -> int | None:
    """The index of the session's first message that is not older than `lamport`; None if there is none."""
    if lamport == 0:
        return session.first_index
    for entry in logs.of_author_since(tx, session.group, session.author, lamport):
        if entry.header.kind != KIND or entry.body is None:
            continue
        sealed = read_sealed(entry.body)
        if sealed.session_id == session.session_id:
            return max(sealed.index, session.first_index)
    return None


def show_again(app: App, tx: Transaction, message: messages.Message) -> None:
    """Show a message whose key or words have come, with what was said about it meanwhile."""
    entry = logs.get(tx, message.id)
    assert entry is not None
    reactions, edits = messages.reactions(tx, message.id), messages.edits(tx, message.id)
    messages.forget(tx, message.id)
    show_taken(app, tx, entry, message.person)
    for reaction in reactions:
        messages.react(tx, message.id, reaction.person, reaction.emoji, app.now_ms())
    messages.pin(tx, message.id, message.pinned)
    for id in edits:
        edit = logs.get(tx, id)
        if edit and edit.body is not None:
            show_taken(app, tx, edit, message.person)


@lru_cache(maxsize=MAX_OPEN)
def _inbound(state: bytes, key: bytes) -> InboundGroupSession:
    """The sender key in `state`, kept open: opening a message does not change it, unsealing it costs."""
    return InboundGroupSession.from_bytes(state, key)


# Sessions are those of `_inbound`, alike only if they are the same; what does not open is not remembered.
_burst_key = lru_cache(maxsize=MAX_OPEN)(open_key)


def _open(app: App, tx: Reader, entry: Entry) -> tuple[GroupSessionId, bytes | None]:
    """The session of a sealed message, and what it says; None if no key of its author opens it (yet).

    Raises:
        ProtocolError: it is malformed, or not what its author sealed.
    """
    body = read_sealed(entry.body)
    name = body.session_id
    stored = sessions.inbound(tx, name, entry.header.device)
    if stored is None or stored.group != entry.conversation:
        return name, None
    session = _inbound(stored.state, app.pickle_key)
    try:
        return name, open_body(session, body, _burst_key)
    except UndecryptableError as error:
        if error.reason is Reason.KEY_GONE or not stored.first_hand:
            return name, None
        raise
