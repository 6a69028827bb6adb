"""What a set of standing acts makes of a group: roles, cards, policy, bans.

Every question is asked of a set of acts, a mask of the graph: those that stand and that an author
knew, or all that stand. Acts about one person are few, so an answer reads few acts, in the order in
which they are shown. Two acts that raise a person commute, and so do two that lower him; where one
raises and one lowers, without knowing of each other, the resolver has voided the first.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from p2pchat.core.group.graph import Act, ActGraph
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
    Policy,
    Promote,
    Remove,
    Rename,
    RevokeLink,
    Role,
    SetPolicy,
    Unban,
)
from p2pchat.core.identity import Card
from p2pchat.core.ids import EntryId, PersonId

REMOVALS: Final = (Remove, Leave, Ban)
LOWERINGS: Final = (Remove, Leave, Ban, Demote)
GIFTS: Final = (Invite, Join, Add, Admit, Promote)  # what one loses who is removed at the same time
ENTRIES: Final = (Create, Join, Add, Admit)  # what makes a member


class History:
    """The acts of a graph, sorted by what they are about."""

    def __init__(self, graph: ActGraph) -> None:
        self.graph = graph
        self.order: list[int] = []
        self.about: defaultdict[PersonId, list[int]] = defaultdict(list)
        self.cards: defaultdict[PersonId, list[int]] = defaultdict(list)
        self.admissions: defaultdict[EntryId, list[int]] = defaultdict(list)
        self.revocations: defaultdict[EntryId, list[int]] = defaultdict(list)
        self.offers: list[int] = []
        self.policies: list[int] = []
        self.names: list[int] = []
        self.checkpoints: list[int] = []

    def add(self, number: int) -> None:
        """Take in an act that the graph just got."""
        act = self.graph.acts[number]
        operation = act.operation
        lists = [self.order]
        person = target(operation)
        if person is not None:
            lists.append(self.about[person])
        if act.card is not None:
            lists.append(self.cards[act.card.person])
        match operation:
            case Admit(link=link):
                lists.append(self.admissions[link])
            case RevokeLink(link=link):
                lists.append(self.revocations[link])
            case Invite() | Link():
                lists.append(self.offers)
            case Create():
                lists += [self.policies, self.names]
            case SetPolicy():
                lists.append(self.policies)
            case Rename():
                lists.append(self.names)
            case Checkpoint():
                lists.append(self.checkpoints)
        for numbers in lists:
            insort(numbers, number, key=lambda n: self.graph.acts[n].position)

    def among(self, numbers: list[int], mask: int) -> Iterator[Act]:
        """Those of `numbers` that are in `mask`, in order."""
        return (self.graph.acts[number] for number in numbers if mask >> number & 1)

    def act(self, id: EntryId, mask: int) -> Act | None:
        """The act `id` if it is in `mask`."""
        number = self.graph.number(id)
        return self.graph.acts[number] if number is not None and mask >> number & 1 else None

    def role(self, person: PersonId, mask: int) -> Role | None:
        """What `person` is after the acts in `mask`; None if no member."""
        role: Role | None = None
        for act in self.among(self.about[person], mask):
            match act.operation:
                case Create():
                    role = Role.OWNER
                case Add(role=given):
                    role = max(role or given, given)
                case Join(invite=id) | Admit(link=id):
                    given = self._offered(id, mask)
                    role = max(role or given, given)
                case Promote(role=given) if role is not None:
                    role = max(role, given)
                case Demote(role=given) if role is not None:
                    role = min(role, given)
                case Remove() | Leave() | Ban():
                    role = None
        return role

    def is_banned(self, person: PersonId, mask: int) -> bool:
        """Whether `person` is kept out."""
        banned = False
        for act in self.among(self.about[person], mask):
            if isinstance(act.operation, Ban | Unban):
                banned = isinstance(act.operation, Ban)
        return banned

    def card(self, person: PersonId, mask: int) -> Card | None:
        """The newest card of `person`."""
        newest: Card | None = None
        for act in self.among(self.cards[person], mask):
            assert act.card is not None
            if newest is None or act.card.version > newest.version:
                newest = act.card
        return newest

    def policy(self, mask: int) -> Policy:
        """The rules in force."""
        newest = self._newest(self.policies, mask)
        assert newest is not None
        operation = newest.operation
        assert isinstance(operation, Create | SetPolicy)
        return operation.policy

    def name(self, mask: int) -> str:
        """What the group is called."""
        newest = self._newest(self.names, mask)
        assert newest is not None
        operation = newest.operation
        assert isinstance(operation, Create | Rename)
        return operation.name

    @property
    def founder(self) -> PersonId:
        """Who founded the group."""
        return self.graph.acts[0].operation.by

    def _offered(self, id: EntryId, mask: int) -> Role:
        offer = self.act(id, mask)
        assert offer is not None, "an entry by an offer stands only if the offer does"
        assert isinstance(offer.operation, Invite | Link)
        return offer.operation.role

    def _newest(self, numbers: list[int], mask: int) -> Act | None:
        """The last word: of acts that know nothing of each other, the founder's, else the last shown."""
        standing = [number for number in numbers if mask >> number & 1]
        known = 0
        for number in standing:
            known |= self.graph.past(number)
        newest = [self.graph.acts[number] for number in standing if not known >> number & 1]
        return max(newest, key=lambda act: (act.operation.by == self.founder, act.position), default=None)


def target(operation: object) -> PersonId | None:
    """Whose membership the operation is about."""
    match operation:
        case (
            Invite(person=person)
            | Add(person=person)
            | Admit(person=person)
            | Remove(person=person)
            | Ban(person=person)
            | Unban(person=person)
            | Promote(person=person)
            | Demote(person=person)
        ):
            return person
        case Create(by=person) | Join(by=person) | Leave(by=person):
            return person
    return None
