"""Groups as their logs say: who is in, who may do what, with whom a log is shared."""

from __future__ import annotations

from typing import Final

from p2pchat.core.group.graph import Act, read_act
from p2pchat.core.group.operations import KIND, Add, Admit, Create, Invite, Join, NewCard
from p2pchat.core.group.view import GroupView
from p2pchat.core.ids import DeviceId, EntryId, GroupId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.log.entry import MAX_PARENTS, Entry
from p2pchat.errors import NotAllowedError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import log
from p2pchat.node.features.people import contacts
from p2pchat.store import deliveries, logs, messages, people
from p2pchat.store import groups as rows
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.tail import Tail
from p2pchat.store.transaction import Reader, Transaction

DAY_MS: Final = 86_400_000
_WITH_CARD: Final = (Create, Join, Add, Admit, NewCard)


def view(app: App, tx: Reader, group: GroupId) -> GroupView | None:
    """The group as of now; None before its log has begun to arrive."""
    if logs.operations(tx, group)[0] == 0:
        return None
    return app.groups.view(tx, group)


def persons(app: App, tx: Reader, group: GroupId) -> set[PersonId]:
    """The members."""
    now = view(app, tx, group)
    return set(now.members) if now else set()


def member_devices(app: App, tx: Reader, group: GroupId) -> set[DeviceId]:
    """The devices of all members; while I am joining, those of whoever invited me."""
    found: set[DeviceId] = set()
    now = view(app, tx, group)
    if now:
        found.update(now.persons)
    membership = rows.get(tx, group)
    if membership and membership.state == "joining" and membership.invited_by:
        found.update(device.id for device in people.devices(tx, membership.invited_by))
    return found


def check_is_member(app: App, tx: Reader, membership: rows.Membership) -> None:
    """Return if I am a member. Raises NotAllowedError if not."""
    if membership.state != "joined":
        hint = ": accept the invitation first" if membership.state == "invited" else f" ({membership.state})"
        raise NotAllowedError(f"you are not a member of #{membership.name}{hint}")


def check_may_write(app: App, tx: Reader, membership: rows.Membership) -> None:
    """Return if I may write to the group now. Raises NotAllowedError if not."""
    check_is_member(app, tx, membership)
    if not app.groups.view(tx, membership.group).may_write(app.device):
        raise NotAllowedError(f"only admins may write to #{membership.name}")


def readers_view(app: App, tx: Reader, group: GroupId) -> bytes:
    """32 bytes that change whenever somebody must no longer read; sender keys are tied to them."""
    ended = app.groups.view(tx, group).ended
    return tagged_hash("readers", *(part for device in sorted(ended) for part in (device, ended[device].act)))


def reads_from(app: App, tx: Reader, group: GroupId, person: PersonId) -> int:
    """The Lamport time from which a member may read, by the group's history policy; 0 for everything."""
    now = app.groups.view(tx, group)
    if now.policy.history_days is None or person not in now.members:
        return 0
    since = logs.stored(tx, group, now.members[person].since)
    assert since is not None
    return max(since.lamport - now.policy.history_days * DAY_MS, 0)


def is_before_me(app: App, tx: Reader, entry: Entry) -> bool:
    """Whether the history policy keeps an entry from me because it is older than my membership."""
    group = GroupId(entry.conversation)
    now = app.groups.view(tx, group)
    if now.policy.history_days is None:
        return False
    if app.person in now.members:
        return entry.header.lamport < reads_from(app, tx, group, app.person)
    membership = rows.get(tx, group)
    joining_from = app.now_ms() - now.policy.history_days * DAY_MS
    return membership is not None and membership.state == "joining" and entry.header.lamport < joining_from


def shared_with(app: App, tx: Reader, device: DeviceId) -> list[GroupId]:
    """The groups whose logs I reconcile with a device."""
    known = people.device(tx, device)
    if known is None:
        return []
    return [
        membership.group
        for membership in rows.all_in(tx, "joined", "joining", "left", "removed")
        if _is_shared(app, tx, membership, known.person)
    ]


def _is_shared(app: App, tx: Reader, membership: rows.Membership, person: PersonId) -> bool:
    now = view(app, tx, membership.group)
    is_member = now is not None and person in now.members
    match membership.state:
        case "joining":
            return is_member or person == membership.invited_by
        case "removed":  # the others may have decided otherwise
            return is_member
        case "left":  # until somebody knows that I left
            return is_member and _farewell_waits(app, tx, membership.group)
    is_invited = now is not None and any(
        isinstance(offer.operation, Invite) and offer.operation.person == person
        for offer in now.offers.values()
    )
    return is_member or is_invited


def _farewell_waits(app: App, tx: Reader, group: GroupId) -> bool:
    last = logs.chain_head(tx, group, app.device)
    states = [delivery.state for delivery in deliveries.of(tx, last.id)] if last else []
    return bool(states) and all(state == "queued" for state in states)


def parting_heights(app: App, tx: Reader, group: GroupId, device: DeviceId) -> dict[DeviceId, int] | None:
    """How much of each chain was written by those who did not know that the peer is out.

    None unless I am a member, and the person of `device` was one and is none any more.
    """
    known, membership = people.device(tx, device), rows.get(tx, group)
    if known is None or membership is None or membership.state != "joined":
        return None
    parting = app.groups.parting(tx, group, known.person)
    if parting is None:
        return None
    heights = dict(StoredLog(tx, group).heights())
    for author, seq, id, knows in logs.known_by(tx, group):
        if seq <= heights[author] and parting.knows(id, knows):
            heights[author] = seq - 1
    return {author: height for author, height in heights.items() if height}


def is_parted(app: App, tx: Reader, device: DeviceId) -> bool:
    """Whether the person of `device` was a member of a group of mine and is none any more."""
    known = people.device(tx, device)
    return known is not None and any(
        app.groups.parting(tx, membership.group, known.person) is not None
        for membership in rows.all_in(tx, "joined")
    )


def my_end(app: App, tx: Reader, group: GroupId) -> Act | None:
    """The operation that ended my membership, if one did."""
    now = view(app, tx, group)
    end = now.ended.get(app.device) if now and app.person not in now.members else None
    return app.groups.act(tx, group, end.act) if end else None


def act_of(app: App, tx: Reader, line: messages.Message) -> Act | None:
    """The operation that a line of a chat tells of; None if it tells of something else."""
    group = GroupId(line.conversation)
    if line.kind != "group" or logs.operations(tx, group)[0] == 0:
        return None
    return app.groups.act(tx, group, line.id)


def write(app: App, tx: Transaction, group: GroupId, kind: str, body: bytes) -> Entry:
    """Append an entry of mine to the group's log; it knows every operation that is there."""
    entry = log.compose(app, tx, group, kind, body, first=_covering_heads(app, tx, group))
    knows = frozenset([entry.id]) if kind == KIND else app.groups.frontier(tx, group, entry.header.referred)
    logs.append(tx, entry, app.now_ms(), knows=knows)
    return entry


def _covering_heads(app: App, tx: Transaction, group: GroupId) -> list[EntryId]:
    """Heads that together know all operations: an entry can refer to `MAX_PARENTS`, and forks make more."""
    heads, _ = Tail.of(tx, group).heads()
    if len(heads) <= MAX_PARENTS:
        return []
    wanted = set(app.groups.frontier(tx, group, heads))
    chosen = []
    for head in heads:
        known = logs.knows(tx, head)
        if known & wanted:
            chosen.append(head)
            wanted -= known
    return chosen


def begin(app: App, tx: Transaction, genesis: Entry) -> None:
    """Begin a group's log with its genesis, whose signature was checked.

    Raises:
        ProtocolError: it founds no group.
    """
    act = read_act(genesis, frozenset())
    logs.open_group(tx, GroupId(genesis.conversation))
    logs.append(tx, genesis, app.now_ms(), knows=frozenset([genesis.id]))
    meet_author(app, tx, act)


def meet_author(app: App, tx: Transaction, act: Act) -> None:
    """Take note of the person whose card an operation carries, unless it is mine."""
    operation = act.operation
    if act.card and act.card.person != app.person and isinstance(operation, _WITH_CARD):
        contacts.meet(app, tx, act.card, operation.card)


def open_offer(app: App, tx: Reader, group: GroupId) -> EntryId | None:
    """The invitation of mine that is still open, or None."""
    now = view(app, tx, group)
    if now is None:
        return None
    for id, offer in now.offers.items():
        if isinstance(offer.operation, Invite) and offer.operation.person == app.person:
            return id
    return None
