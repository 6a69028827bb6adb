"""Taking entries into a group's log, from whomever they come: who may write, what follows from each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from p2pchat.core.group.graph import Act, read_act
from p2pchat.core.group.operations import KIND, Invite, Join, NewCard
from p2pchat.core.group.view import Verdict, may_post
from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.core.log.entry import Entry
from p2pchat.errors import ProtocolError
from p2pchat.node.effects import GroupGrew
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, log
from p2pchat.node.features.group import group_acts, group_messages, group_views, groups
from p2pchat.store import deliveries, logs, messages, people
from p2pchat.store import groups as rows
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000


def take_hinted(app: App, tx: Transaction, group: GroupId, entries: Sequence[Entry]) -> None:
    """Entries that came by gossip. Raises ProtocolError if one is not its author's or of another group."""
    stored = StoredLog(tx, group)
    lacking = stored.lacking([entry.id for entry in entries])
    new = [entry for entry in entries if entry.id in lacking]
    for entry in new:
        entry.verify()
        if entry.conversation != group:
            raise ProtocolError("an entry of another group")
    take_entries(app, tx, group, new)


def take_entries(
    app: App, tx: Transaction, group: GroupId, entries: Sequence[Entry], *, pushed: bool = False
) -> int:
    """Take verified entries of a group's log, from whomever; how many were new.

    One that breaks a rule is dropped; it never fits, whoever brings it. `pushed` as in `GroupGrew`.
    """
    membership = rows.get(tx, group)
    if membership is None or membership.state not in ("joining", "joined", "removed"):
        return 0
    taken, before = 0, logs.operations(tx, group)
    has_gaps = bool(StoredLog(tx, group).gaps())
    store, show_ahead = partial(_store, app, tx, group), partial(_show_ahead, app, tx, group)

    def take(some: Sequence[Entry]) -> int:
        with tx.savepoint():
            return sum(
                log.take(app, tx, entry, store, show_ahead)
                for entry in some
                if not (has_gaps and _fill_in(app, tx, entry))
            )

    try:
        taken += take(entries)
    except ProtocolError:  # one of them; again, each by itself
        for entry in entries:
            try:
                taken += take([entry])
            except ProtocolError as error:
                logger.warning("Dropped an entry of %s in a group: %s.", entry.header.device.short, error)
    if taken:
        tx.effects.append(GroupGrew(group, pushed=pushed))
    if logs.operations(tx, group) != before:
        groups.follow(app, tx, membership)
    return taken


def _fill_in(app: App, tx: Transaction, entry: Entry) -> bool:
    """Whether a stored entry lacked what it says, which this copy has: a carrier can leave it out."""
    message = messages.get(tx, entry.id) if entry.body is not None else None
    if message is None or message.kind != "missing":
        return False
    logs.fill_in(tx, entry)
    group_messages.show_again(app, tx, message)
    return True


def peer_holds(
    app: App, tx: Transaction, group: GroupId, device: DeviceId, heights: Mapping[DeviceId, int]
) -> None:
    """A member's store holds the chains up to these heights: so far my messages are delivered to him."""
    known = people.device(tx, device)
    if known is None:
        return
    for mine in {app.device, *(one.id for one in people.all_devices(tx, app.person))} & heights.keys():
        moved = deliveries.advance_chain(
            tx, group, mine, heights[mine], known.person, "delivered", app.now_ms()
        )
        chats.moved(app, tx, moved, known.person, "delivered")


def _store(app: App, tx: Transaction, group: GroupId, entry: Entry) -> None:
    """Store an entry whose place in the log was checked, if its author may write it."""
    known = app.groups.frontier(tx, group, entry.header.referred)
    if not known:
        raise ProtocolError("an entry that knows nothing of the group")
    if entry.header.kind == KIND:
        act = read_act(entry, known)
        _check_author(app, tx, group, act)
        logs.append(tx, entry, app.now_ms(), knows=frozenset([entry.id]))
        group_views.meet_author(app, tx, act)
        if app.groups.stands(tx, group, entry.id):
            group_acts.show_act(app, tx, entry, act)
        return
    device = entry.header.device
    before = app.groups.view_after(tx, group, known)
    if not before.may_write(device):
        raise ProtocolError("its author may not write")
    logs.append(tx, entry, app.now_ms(), knows=known)
    if entry.header.kind != group_messages.KIND or device == app.device:
        return
    if messages.has(tx, entry.id):  # shown ahead
        return
    if may_post(before, app.groups.view(tx, group), device, entry.header.seq) is Verdict.REFUSED:
        return
    if app.person in before.members or not _am_out(app, tx, group):
        group_messages.show_taken(app, tx, entry, before.persons[device])


def _show_ahead(app: App, tx: Transaction, group: GroupId, entry: Entry) -> None:
    """Show a text whose predecessors are still under way, so that who was away sees the newest at once.

    Whether its author might write is judged by the group as it is known now; when its place in the log
    can be checked and does not fit, the line goes again.
    """
    now = app.groups.view(tx, group)
    is_readable = app.person in now.members and now.may_write(entry.header.device)
    if is_readable and entry.header.kind == group_messages.KIND and not messages.has(tx, entry.id):
        group_messages.show_ahead(app, tx, entry, now.persons[entry.header.device])


def _am_out(app: App, tx: Reader, group: GroupId) -> bool:
    """Whether I was removed: what others say among themselves from then on is no line of my chat."""
    membership = rows.get(tx, group)
    assert membership is not None
    return membership.state != "joining" and app.device in app.groups.view(tx, group).ended


def _check_author(app: App, tx: Reader, group: GroupId, act: Act) -> None:
    """Whether the author of an operation has anything to do with the group, as far as he knew.

    What the operation is worth is for the resolver to say; this keeps strangers from filling the log.
    It looks at the causal past alone, so that all members decide alike.

    Raises:
        ProtocolError: he is a stranger.
    """
    past = app.groups.acts_known(tx, group, act.after)
    listed = {one.device for other in past if other.card for one in other.card.devices}
    if act.device in listed:
        return
    operation = act.operation
    invited = {other.operation.person for other in past if isinstance(other.operation, Invite)}
    if isinstance(operation, Join) and operation.by in invited:
        return
    owners = {other.card.person for other in past if other.card}
    if isinstance(operation, NewCard) and operation.by in owners:
        return
    raise ProtocolError("an operation of somebody who has nothing to do with the group")
