"""Who bears how much of a bill, from what a person typed: checked, and exact to the smallest part."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from p2pchat.core.ids import PersonId
from p2pchat.core.ledger.details import BASIS_POINTS
from p2pchat.core.ledger.expense import Expense, Mode
from p2pchat.core.ledger.money import Amount, parse_amount
from p2pchat.core.ledger.split import Item
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_views
from p2pchat.node.features.ledger import iou_terms
from p2pchat.node.features.ledger.amounts import parse_bound
from p2pchat.node.features.ledger.ledger_words import in_unit
from p2pchat.node.features.people.names import find_person, name_of
from p2pchat.store import groups
from p2pchat.store.transaction import Reader

ME: Final = "me"
_NONCE_SIZE: Final = 12
_SHARES: Final = re.compile(r"[0-9]{1,4}\Z")
_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?%?\Z")


@dataclass(frozen=True, slots=True)
class Division:
    """Who bears how much, as it was typed.

    `people` are the names of those who take part besides me, none for the whole group. What `parts`
    say of a name, or of `me`, is the mode's: shares (1 unless told), percent, or an exact amount. An
    itemised bill has `items` instead, each an amount and who had it; `extra` (tax and tip; None: what is
    left of the total) goes in proportion. A foreign bill counts in the unit `into`, at `rate`.
    """

    mode: Mode = "equal"
    people: Sequence[str] = ()
    parts: Mapping[str, str] | None = None
    items: Sequence[tuple[str, Sequence[str]]] = field(default_factory=tuple)
    extra: str | None = None
    into: str | None = None
    rate: str | None = None


def divide(
    app: App,
    tx: Reader,
    membership: groups.Membership,
    amount: str,
    division: Division,
    replaces: bytes | None = None,
) -> Expense:
    """The bill over `amount`, paid by me, as a value that can be named by its hash.

    Raises:
        NotAllowedError: I am not a member.
        UsageError: the amount or a part is malformed, or the parts do not add up to it.
        NotFoundError: a name is that of no member.
    """
    typed = parse_amount(amount)
    total, conversion = iou_terms.converted(typed, division.into, division.rate)
    if conversion is not None and division.mode in ("exact", "itemised"):
        raise UsageError("exact parts and lines of a foreign bill would round: give the amounts converted")
    members = group_views.persons(app, tx, membership.group)
    if app.person not in members:
        raise NotAllowedError(f"you are not a member of #{membership.name}")
    nonce = app.entropy(_NONCE_SIZE)
    if division.mode == "itemised":
        items = _items(app, tx, membership, members, total, division)
        extra = total.minor - sum(item.minor for item in items)
        return Expense(app.person, total, "itemised", (), nonce, items, extra, replaces)
    chosen = {_member(app, tx, membership, members, name) for name in division.people}
    parts = {
        _member(app, tx, membership, members, name): part for name, part in (division.parts or {}).items()
    }
    sharers = (chosen or members) | {app.person}
    if len(sharers) < 2:
        raise UsageError(f"#{membership.name} has nobody to share the bill with")
    for outsider in parts.keys() - sharers:
        raise UsageError(f"{name_of(app, tx, outsider)} has a part, but does not share the bill")
    numbers = _numbers(app, tx, division.mode, total, sharers, parts)
    return Expense(app.person, total, division.mode, numbers, nonce, replaces=replaces)


def _items(
    app: App,
    tx: Reader,
    membership: groups.Membership,
    members: set[PersonId],
    total: Amount,
    division: Division,
) -> tuple[Item, ...]:
    items = []
    for text, names in division.items:
        people = {_member(app, tx, membership, members, name) for name in names}
        items.append(Item(_minor(text, total), tuple(sorted(people))))
    extra = None if division.extra is None else _minor(division.extra, total)
    left = total.minor - sum(item.minor for item in items)
    if left < 0 or extra not in (None, left):
        over = left - (extra or 0)
        verdict = f"{in_unit(abs(over), total.unit)} is {'missing' if over > 0 else 'too much'}"
        raise UsageError(f"the lines with tax and tip do not add up to {total}: {verdict}")
    return tuple(items)


def _member(
    app: App, tx: Reader, membership: groups.Membership, members: set[PersonId], name: str
) -> PersonId:
    person = app.person if name == ME else find_person(tx, name).id
    if person not in members:
        raise UsageError(f"{name_of(app, tx, person)} is not a member of #{membership.name}")
    return person


def _numbers(
    app: App,
    tx: Reader,
    mode: Mode,
    total: Amount,
    sharers: set[PersonId],
    parts: Mapping[PersonId, str],
) -> tuple[tuple[PersonId, int], ...]:
    """What the mode wants to know of each participant; whoever bears nothing at all is left out."""
    match mode:
        case "equal" if not parts:
            numbers = dict.fromkeys(sharers, 1)
        case "shares":
            numbers = dict.fromkeys(sharers, 1) | {who: _shares(part) for who, part in parts.items()}
        case "percent":
            numbers = {who: _basis_points(part) for who, part in parts.items()}
        case "exact":
            numbers = {who: _minor(part, total) for who, part in parts.items()}
            _check_sum(total, numbers)
        case _:
            raise UsageError(f"a bill is split equally, by shares, percent or exact amounts, not '{mode}'")
    return tuple(sorted((who, number) for who, number in numbers.items() if number))


def _shares(part: str) -> int:
    if not _SHARES.match(part) or not part.isascii():
        raise UsageError(f"'{part}' is no number of shares: write it like bob=2")
    return int(part)


def _basis_points(part: str) -> int:
    match = _PERCENT.match(part)
    if match is None or not part.isascii():
        raise UsageError(f"'{part}' is no percentage with at most two decimals: write it like bob=33.33")
    points = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if points > BASIS_POINTS:
        raise UsageError(f"{part} % is more than the whole")
    return points


def _minor(part: str, total: Amount) -> int:
    minor, unit = parse_bound(part if len(part.split()) > 1 else f"{part} {total.unit}")
    if unit != total.unit:
        raise UsageError(f"the parts are in {total.unit}, as the bill is, not in {unit}")
    return minor


def _check_sum(total: Amount, numbers: Mapping[PersonId, int]) -> None:
    difference = total.minor - sum(numbers.values())
    if difference:
        verdict = "missing (your own part is me=...)" if difference > 0 else "too much"
        raise UsageError(
            f"the parts do not add up to {total}: {in_unit(abs(difference), total.unit)} is {verdict}"
        )
