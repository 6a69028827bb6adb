"""A group as it is after certain acts: who is in it, with which role and devices, and by what rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from p2pchat.core.codec import encode
from p2pchat.core.group.authority import was_removed_since
from p2pchat.core.group.conflicts import witnesses
from p2pchat.core.group.graph import Act
from p2pchat.core.group.history import ENTRIES, REMOVALS, History, target
from p2pchat.core.group.operations import (
    Ban,
    Checkpoint,
    Invite,
    Leave,
    Link,
    NewCard,
    Policy,
    Remove,
    Role,
)
from p2pchat.core.ids import DeviceId, EntryId, GroupId, PersonId
from p2pchat.core.keys import tagged_hash


@dataclass(frozen=True, slots=True)
class Member:
    """One person in the group."""

    role: Role
    devices: tuple[DeviceId, ...]
    since: EntryId  # the act that made him a member


@dataclass(frozen=True, slots=True)
class Offer:
    """A link or an invitation that is still open."""

    operation: Invite | Link
    uses: int  # of a link, so far


@dataclass(frozen=True, slots=True)
class End:
    """Until where the entries of a device count that may write no more."""

    act: EntryId  # the removal or the card that ended it; of several, the last as shown
    seen: int  # the highest number that one of their authors had seen
    final: int | None  # the highest number that a checkpoint had seen, if one made it final


class Verdict(Enum):
    """What becomes of a message."""

    KEPT = "its author might write"
    FLAGGED = "its author was being removed when he wrote it"
    REFUSED = "its author knew, or everybody by now knows, that he might not write"


@dataclass(frozen=True)
class GroupView:
    """The group after a set of acts; equal for all who resolved the same acts."""

    group: GroupId
    founder: PersonId
    name: str
    policy: Policy
    members: Mapping[PersonId, Member]
    ended: Mapping[DeviceId, End]
    banned: frozenset[PersonId]
    offers: Mapping[EntryId, Offer]
    unconfirmed: Mapping[EntryId, frozenset[PersonId]]  # removals, and who could confirm each

    @cached_property
    def id(self) -> bytes:
        """32 bytes that name who may read: members and their devices. Sender keys are tied to it."""
        readers = [[person, member.devices] for person, member in sorted(self.members.items())]
        return tagged_hash("group view", self.group, encode(readers))

    @cached_property
    def persons(self) -> Mapping[DeviceId, PersonId]:
        """Whose each device is."""
        return {device: person for person, member in self.members.items() for device in member.devices}

    def may_write(self, device: DeviceId) -> bool:
        """Whether entries of `device` that know this view are in order."""
        person = self.persons.get(device)
        return person is not None and self.members[person].role >= self.policy.write


def may_post(known: GroupView, now: GroupView, device: DeviceId, seq: int) -> Verdict:
    """What becomes of a message, number `seq` of `device`.

    `known` is the view after the acts that the message's author knew; `now` after all acts. What he
    wrote with the right to write stays, unless he was removed: then it stays if a remover had seen it.
    """
    if not known.may_write(device):
        return Verdict.REFUSED
    if device in now.persons:
        return Verdict.KEPT
    end = now.ended.get(device)
    if end is None:
        return Verdict.FLAGGED  # what had made its author a member fell
    if seq <= end.seen:
        return Verdict.KEPT
    return Verdict.REFUSED if end.final is not None and seq > end.final else Verdict.FLAGGED


def view_of(history: History, standing: int) -> GroupView:
    """The group after the acts in `standing`, all of which stand."""
    members = dict(_members(history, standing))
    listed = {device for member in members.values() for device in member.devices}
    return GroupView(
        history.graph.group,
        history.founder,
        history.name(standing),
        history.policy(standing),
        members,
        {device: end for device, end in _ends(history, standing) if device not in listed},
        frozenset(person for person in history.about if history.is_banned(person, standing)),
        dict(_offers(history, standing)),
        dict(_unconfirmed(history, standing)),
    )


def _members(history: History, standing: int) -> Iterator[tuple[PersonId, Member]]:
    # Anybody can list anybody's device; whom a device first acted for, it belongs to.
    owners: dict[DeviceId, PersonId] = {}
    for act in history.among(history.order, standing):
        owners.setdefault(act.device, act.operation.by)
    for person, numbers in history.about.items():
        role = history.role(person, standing)
        card = history.card(person, standing)
        if role is None or card is None:
            continue
        entries = [act for act in history.among(numbers, standing) if isinstance(act.operation, ENTRIES)]
        listed = (certificate.device for certificate in card.devices)
        devices = tuple(sorted(device for device in listed if owners.get(device, person) == person))
        yield person, Member(role, devices, entries[-1].id)


def _offers(history: History, standing: int) -> Iterator[tuple[EntryId, Offer]]:
    for act in history.among(history.offers, standing):
        operation = act.operation
        if isinstance(operation, Link):
            uses = len(
                {target(admit.operation) for admit in history.among(history.admissions[act.id], standing)}
            )
            if uses < operation.max_uses and not any(history.among(history.revocations[act.id], standing)):
                yield act.id, Offer(operation, uses)
        elif isinstance(operation, Invite):
            person = operation.person
            is_open = history.role(person, standing) is None and not history.is_banned(person, standing)
            if is_open and not was_removed_since(history, act.id, person, standing, by_himself=True):
                yield act.id, Offer(operation, 0)


def _ends(history: History, standing: int) -> Iterator[tuple[DeviceId, End]]:
    """The end of every device that its person's card listed once and that may write no more."""
    for person, numbers in history.cards.items():
        cards = list(history.among(numbers, standing))
        for device in {device for act in cards for device in _devices(act)}:
            endings = [act for act in cards if _strikes_off(act, device)]
            if history.role(person, standing) is None:
                endings += removals(history, person, standing)
            if endings:
                seen = max(_seen(act, device) for act in endings)
                finals = [_final(history, act, device, standing) for act in endings]
                final = min((height for height in finals if height is not None), default=None)
                yield device, End(max(endings, key=lambda act: act.position).id, seen, final)


def _unconfirmed(history: History, standing: int) -> Iterator[tuple[EntryId, frozenset[PersonId]]]:
    """The removals that are not final, with those whose checkpoints would count and are not there yet."""
    outsiders = [person for person in history.about if history.role(person, standing) is None]
    for act in (act for person in outsiders for act in removals(history, person, standing)):
        number = history.graph.number(act.id)
        if number is None or not isinstance(act.operation, Remove | Ban):
            continue
        found = list(witnesses(history, number, standing))
        before = history.graph.past(number) & standing
        quorum = history.policy(before).quorum
        confirmed = {witness.by for witness in found}
        if any(witness.is_enough for witness in found) or len(confirmed) >= quorum:
            continue
        yield (
            act.id,
            frozenset(
                person
                for person in history.about
                if person not in confirmed
                and _may_confirm(history, act, person, before)
                and history.role(person, standing) is not None
            ),
        )


def _may_confirm(history: History, act: Act, person: PersonId, before: int) -> bool:
    role = history.role(person, before) or 0
    if person == history.founder and role is Role.OWNER:
        return True
    return role >= Role.ADMIN and person != act.operation.by


def removals(history: History, person: PersonId, standing: int) -> list[Act]:
    """The removals of `person` that nothing has made good again."""
    about = list(history.among(history.about[person], standing))
    forgiven = history.graph.closure(act.id for act in about if isinstance(act.operation, ENTRIES))
    ends = history.among(history.about[person], standing & ~forgiven)
    return [act for act in ends if isinstance(act.operation, REMOVALS)]


def _strikes_off(act: Act, device: DeviceId) -> bool:
    return isinstance(act.operation, NewCard) and device not in _devices(act)


def _devices(act: Act) -> set[DeviceId]:
    return {certificate.device for certificate in act.card.devices} if act.card else set()


def _seen(act: Act, device: DeviceId) -> int:
    operation = act.operation
    return operation.seen.get(device) if isinstance(operation, Remove | Leave | Ban | NewCard) else 0


def _final(history: History, act: Act, device: DeviceId, standing: int) -> int | None:
    """The height of `device` that the witnesses of a removal agree on, if they are enough."""
    number = history.graph.number(act.id)
    if number is None or not isinstance(act.operation, Remove | Ban):
        return None
    limits: list[int] = []
    heights: dict[PersonId, int] = {}
    for witness in witnesses(history, number, standing):
        operation = history.graph.acts[witness.number].operation
        assert isinstance(operation, Checkpoint)
        height = operation.seen.get(device)
        if witness.is_enough:
            limits.append(height)
        heights[witness.by] = min(height, heights.get(witness.by, height))
    quorum = history.policy(history.graph.past(number) & standing).quorum
    limits += sorted(heights.values())[quorum - 1 : quorum]
    return min(limits, default=None)
