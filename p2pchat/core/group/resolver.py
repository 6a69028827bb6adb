"""Which acts of a group stand: the same for every member who has the same acts, in whatever order.

An act stands if its author had the right as far as he knew (authority.py) and no standing concurrent
act voids it (conflicts.py). Acts may void each other, so this is solved in rounds: suppose nothing
voids; find what then stands; suppose that voids; and so on. What stands in spite of all that might
stand, stands; what falls even to what surely stands, falls (the alternating fixpoint of logic
programs, https://doi.org/10.1016/0022-0000(93)90024-Q).

What is left undecided are removals that void each other in a circle. They all stand: two admins who
remove each other are both out. Then the rounds are repeated, for others depend on them. Removals whose
authors' rights are themselves undecided wait: nobody saves himself by appointing an avenger. Where there
is no circle, the first of them as shown stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from p2pchat.core.group.authority import is_allowed
from p2pchat.core.group.conflicts import is_final_against, voids
from p2pchat.core.group.history import GIFTS, LOWERINGS, History, target
from p2pchat.core.group.operations import Admit, Ban, Remove, Role
from p2pchat.core.ids import PersonId

_MORE_ROUNDS: Final = 8  # beyond what a chain of removals needs; circles through rights may not settle


def resolve(history: History, mask: int) -> int:
    """Those of the acts in `mask` that stand. `mask` holds, with every act, all that it knows."""
    forced = 0
    while True:
        surely, perhaps = _bounds(history, mask, forced)
        undecided = [n for n in _lowerings(history, perhaps & ~surely) if not forced >> n & 1]
        if not undecided:
            return surely
        rightful = [n for n in undecided if is_allowed(history, n, surely)]
        for number in _circle(history, rightful or undecided):
            forced |= 1 << number


def _bounds(history: History, mask: int, forced: int) -> tuple[int, int]:
    """What surely stands, and what may."""
    perhaps = _standing(history, mask, forced, voiding=0)
    surely = _standing(history, mask, forced, voiding=perhaps)
    for _ in range(2 * mask.bit_count() + _MORE_ROUNDS):
        if surely == perhaps:
            break
        next_perhaps = _standing(history, mask, forced, voiding=surely)
        next_surely = _standing(history, mask, forced, voiding=next_perhaps)
        if (next_surely, next_perhaps) == (surely, perhaps):
            break
        surely, perhaps = next_surely, next_perhaps
    return surely & perhaps, surely | perhaps


def _standing(history: History, mask: int, forced: int, *, voiding: int) -> int:
    """The acts of `mask` that are right and that no act of `voiding` voids; `forced` ones resist."""
    standing = 0
    for number in history.order:
        if not mask >> number & 1 or not is_allowed(history, number, standing):
            continue
        if _is_late(history, number, voiding):
            continue
        if not forced >> number & 1 and _is_voided(history, number, voiding, standing):
            continue
        standing |= 1 << number
    return standing


def _is_voided(history: History, number: int, voiding: int, standing: int) -> bool:
    """Whether an act of `voiding` voids act `number`."""
    invite: Role | None = None
    for rival in _rivals(history, number, voiding):
        if invite is None:
            invite = history.policy(history.graph.past(number) & standing).invite
        if voids(history, rival, number, invite):
            return True
    return False


def _rivals(history: History, number: int, voiding: int) -> Iterator[int]:
    """The acts of `voiding` that might void act `number`, concurrent to it."""
    operation = history.graph.acts[number].operation
    lists = [history.about[operation.by], history.cards[operation.by]]
    if isinstance(operation, GIFTS):
        lists.append(history.about[target(operation) or operation.by])
    if isinstance(operation, Admit):
        lists.append(history.revocations[operation.link])
    concurrent = voiding & ~history.graph.past(number)
    return (
        rival
        for rival in chain.from_iterable(lists)
        if concurrent >> rival & 1 and history.graph.are_concurrent(rival, number)
    )


def _is_late(history: History, number: int, voiding: int) -> bool:
    """Whether a confirmed removal of its author shuts act `number` out, come what may."""
    if not history.checkpoints:
        return False
    by = history.graph.acts[number].operation.by
    return any(
        isinstance(operation := history.graph.acts[rival].operation, Remove | Ban)
        and operation.person == by
        and is_final_against(history, rival, number, voiding)
        for rival in _rivals(history, number, voiding)
    )


def _lowerings(history: History, mask: int) -> list[int]:
    return [
        n for n in history.order if mask >> n & 1 and isinstance(history.graph.acts[n].operation, LOWERINGS)
    ]


def _circle(history: History, undecided: list[int]) -> Iterable[int]:
    """Removals that void each other in a circle, and that nothing else undecided voids."""
    bits = {number: 1 << place for place, number in enumerate(undecided)}
    by_author: defaultdict[PersonId, list[int]] = defaultdict(list)
    for number in undecided:
        by_author[history.graph.acts[number].operation.by].append(number)
    reached = dict.fromkeys(undecided, 0)
    for one in undecided:
        person = target(history.graph.acts[one].operation)
        for other in by_author[person] if person else ():
            if history.graph.are_concurrent(one, other) and voids(history, one, other, Role.READER):
                reached[one] |= bits[other]
    for middle in undecided:  # Warshall's closure, a row at a time
        for one in undecided:
            if reached[one] & bits[middle]:
                reached[one] |= reached[middle]
    circle = [
        one
        for one in undecided
        if reached[one] & bits[one]
        and all(reached[one] & bits[other] for other in undecided if reached[other] & bits[one])
    ]
    return circle or undecided[:1]
