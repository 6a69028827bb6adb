"""Whether a person had the right to do what he did, as far as he knew.

An act is judged by the standing acts of its own past: what its author knew. What he did not know,
somebody else's concurrent removal for instance, is weighed in conflicts.py. docs/protocol/groups.md
"""

from __future__ import annotations

from functools import lru_cache

from p2pchat.core.group.graph import Act
from p2pchat.core.group.history import REMOVALS, History
from p2pchat.core.group.links import check_proof
from p2pchat.core.group.operations import (
    Add,
    Admit,
    Ban,
    Checkpoint,
    Create,
    Demote,
    Invite,
    Join,
    Leave,
    Link,
    NewCard,
    Promote,
    Remove,
    Rename,
    RevokeLink,
    Role,
    SetPolicy,
    Unban,
)
from p2pchat.core.ids import EntryId, PersonId
from p2pchat.errors import ProtocolError


def needed_role(operation: object, invite: Role) -> Role:
    """The least role that may do `operation` where `invite` is the role that may invite."""
    match operation:
        case Invite(role=role) | Add(role=role) | Link(role=role):
            return max(invite, Role.MEMBER if role <= Role.MEMBER else Role.ADMIN)
        case Admit():
            return Role.MEMBER
        case Leave() | NewCard():
            return Role.READER
        case Demote(by=by, person=person) if by == person:
            return Role.READER
    return Role.ADMIN


def is_allowed(history: History, number: int, standing: int) -> bool:
    """Whether act `number` is right as far as its author knew.

    `standing` holds every act before it, in the order in which they are shown, that stands.
    """
    act = history.graph.acts[number]
    known = history.graph.past(number) & standing
    operation = act.operation
    if isinstance(operation, Create):
        return number == 0 and _is_own_card(act)
    if isinstance(operation, Join):
        return _may_join(history, act, operation, known)
    if not _is_own_device(history, act, known):
        return False
    role = history.role(operation.by, known)
    if role is None or role < needed_role(operation, history.policy(known).invite):
        return False
    match operation:
        case Invite(person=person, role=given):
            return given <= role and _is_outsider(history, person, known)
        case Add(person=person, role=given):
            return given <= role and _is_outsider(history, person, known) and _is_card_of(act, person)
        case Link(role=given):
            return given <= role
        case Admit():
            return _may_admit(history, act, operation, known, standing)
        case Promote(person=person, role=given):
            return given <= role and history.role(person, known) is not None
        case Demote(by=by, person=person) if by == person:
            return True
        case Remove(person=person) | Ban(person=person) | Demote(person=person):
            return person != operation.by and _may_lower(history, person, role, known)
        case NewCard(by=by):
            return _is_card_of(act, by)
        case RevokeLink() | Rename() | SetPolicy() | Unban() | Checkpoint() | Leave():
            return True
    raise AssertionError(f"no rule for {type(operation).__name__}")


def _is_own_card(act: Act) -> bool:
    """Whether the act carries its author's card, with the device that did it."""
    return _is_card_of(act, act.operation.by) and _lists_device(act)


def _is_card_of(act: Act, person: PersonId) -> bool:
    return act.card is not None and act.card.person == person


def _lists_device(act: Act) -> bool:
    return act.card is not None and any(device.device == act.device for device in act.card.devices)


def _is_own_device(history: History, act: Act, known: int) -> bool:
    """Whether the author's card lists the device; a device may announce itself by a newer card."""
    card = history.card(act.operation.by, known)
    if card is None:
        return False
    if isinstance(act.operation, NewCard):
        return act.card is not None and act.card.version > card.version and _lists_device(act)
    return any(certificate.device == act.device for certificate in card.devices)


def _is_outsider(history: History, person: PersonId, known: int) -> bool:
    return history.role(person, known) is None and not history.is_banned(person, known)


def _may_lower(history: History, person: PersonId, actor: Role, known: int) -> bool:
    """Nobody lowers a higher role, nor the founder while he is an owner."""
    role = history.role(person, known)
    if person == history.founder and role is Role.OWNER:
        return False
    return role is None or role <= actor


def _may_join(history: History, act: Act, join: Join, known: int) -> bool:
    offer = history.act(join.invite, known)
    if offer is None or not isinstance(offer.operation, Invite) or offer.operation.person != join.by:
        return False
    return (
        _is_own_card(act)
        and _is_outsider(history, join.by, known)
        and not was_removed_since(history, offer.id, join.by, known, by_himself=True)
    )


def _may_admit(history: History, act: Act, admit: Admit, known: int, standing: int) -> bool:
    offer = history.act(admit.link, known)
    if offer is None or not isinstance(link := offer.operation, Link):
        return False
    if any(history.among(history.revocations[admit.link], known)) or act.sent_ms > link.expires_ms:
        return False
    if not _is_card_of(act, admit.person) or not _has_proof(admit, link.key):
        return False
    assert act.card is not None
    if all(certificate.device != admit.device for certificate in act.card.devices):
        return False
    if not _is_outsider(history, admit.person, known):
        return False
    if was_removed_since(history, offer.id, admit.person, known, by_himself=False):
        return False
    admitted = {_admitted(other) for other in history.among(history.admissions[admit.link], standing)}
    return len(admitted - {admit.person}) < link.max_uses


def _admitted(act: Act) -> PersonId:
    """Whom an admission lets in."""
    assert isinstance(act.operation, Admit)
    return act.operation.person


def was_removed_since(
    history: History, offer: EntryId, person: PersonId, known: int, *, by_himself: bool
) -> bool:
    """Whether a removal of `person` is known that the offer's author did not know: it ended the offer.

    Leaving ends an invitation, which was for one time, but not the right to come back by a link.
    """
    number = history.graph.number(offer)
    assert number is not None
    kinds = REMOVALS if by_himself else (Remove, Ban)
    newer = known & ~history.graph.past(number)
    return any(isinstance(act.operation, kinds) for act in history.among(history.about[person], newer))


@lru_cache(maxsize=4096)
def _has_proof(admit: Admit, key: bytes) -> bool:
    try:
        check_proof(admit, key)
    except ProtocolError:
        return False
    return True
