"""Which acts void others that were done without knowing of them.

Strong removal: who is removed loses with it all that he did and that the remover did not know of. The
same holds, as far as it reaches, for a lower role, a revoked link and a device struck off a card. What
is given to a person and taken from him at the same time is not given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from p2pchat.core.group.authority import needed_role
from p2pchat.core.group.history import GIFTS, LOWERINGS, History, target
from p2pchat.core.group.operations import (
    Admit,
    Ban,
    Checkpoint,
    Demote,
    NewCard,
    Promote,
    Remove,
    RevokeLink,
    Role,
)
from p2pchat.core.ids import PersonId


def voids(history: History, one: int, other: int, invite: Role) -> bool:
    """Whether act `one`, if it stands, voids the concurrent act `other`.

    `invite` is the role that may invite, as the author of `other` knew.
    """
    graph = history.graph
    act, victim = graph.acts[one].operation, graph.acts[other].operation
    match act:
        case RevokeLink(link=link):
            return isinstance(victim, Admit) and victim.link == link
        case NewCard():
            return _strikes_off(history, one, other)
    if not isinstance(act, LOWERINGS):
        return False
    if isinstance(victim, Checkpoint) and _knows_removal(history, other, act.by):
        return False  # a checkpoint is what stops the removed from striking back later
    person = target(act)
    left = act.role if isinstance(act, Demote) else None  # what the person may still do
    if victim.by == person and (left is None or needed_role(victim, invite) > left):
        return True
    if isinstance(victim, Promote):
        return victim.person == person and (left is None or victim.role > left)
    return left is None and isinstance(victim, GIFTS) and target(victim) == person


@dataclass(frozen=True, slots=True)
class Witness:
    """A checkpoint that confirms a removal."""

    number: int
    by: PersonId
    is_enough: bool  # the founder's


def witnesses(history: History, removal: int, standing: int) -> Iterator[Witness]:
    """The standing checkpoints that know the standing `removal` and count for it.

    The founder's, while he is an owner, is enough; of admins, as many as the policy's quorum must have
    written one. They must have been admins before the removal and not have made it: nobody confirms what
    he did himself, nor appoints somebody who does.
    """
    graph = history.graph
    before = graph.past(removal) & standing
    for number in history.checkpoints:
        if standing >> number & 1 and graph.past(number) >> removal & 1:
            by = graph.acts[number].operation.by
            role = history.role(by, before) or 0
            is_enough = by == history.founder and role is Role.OWNER
            if is_enough or (role >= Role.ADMIN and by != graph.acts[removal].operation.by):
                yield Witness(number, by, is_enough)


def is_final_against(history: History, removal: int, other: int, standing: int) -> bool:
    """Whether the standing `removal` was confirmed by checkpoints that do not know its rival `other`."""
    against = [
        witness
        for witness in witnesses(history, removal, standing)
        if not history.graph.past(witness.number) >> other & 1
    ]
    if not against:
        return False
    quorum = history.policy(history.graph.past(removal) & standing).quorum
    return any(witness.is_enough for witness in against) or len({w.by for w in against}) >= quorum


def _knows_removal(history: History, number: int, person: PersonId) -> bool:
    known = history.graph.past(number)
    return any(isinstance(act.operation, Remove | Ban) for act in history.among(history.about[person], known))


def _strikes_off(history: History, one: int, other: int) -> bool:
    """Whether the card in `one` is news to the author of `other` and does not list his device.

    An old card published again strikes nobody off: the person's root key numbers his cards.
    """
    act, victim = history.graph.acts[one], history.graph.acts[other]
    if act.operation.by != victim.operation.by or act.card is None:
        return False
    known = history.graph.past(other) | 1 << other
    cards = [past.card for past in history.among(history.cards[victim.operation.by], known) if past.card]
    if any(card.version >= act.card.version for card in cards):
        return False
    return all(certificate.device != victim.device for certificate in act.card.devices)
