"""Splitting a bill that I paid among members of a group: one request to each of the others.

A request binds nobody. Each member's own node signs what he owes, if he agrees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from p2pchat.core import content
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import expense as expenses
from p2pchat.core.ledger.details import BASIS_POINTS
from p2pchat.core.ledger.expense import Expense, Mode
from p2pchat.core.ledger.money import Amount, parse_amount
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.node.features import accounts, group_views
from p2pchat.node.features.accounts import Written
from p2pchat.node.features.amounts import parse_bound
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger_words import in_unit
from p2pchat.node.features.names import find_person, name_of
from p2pchat.store import groups, people
from p2pchat.store.transaction import Reader, Transaction

ME: Final = "me"
_NONCE_SIZE: Final = 12
_SHARES: Final = re.compile(r"[0-9]{1,4}\Z")
_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?%?\Z")


@dataclass(frozen=True, slots=True)
class Division:
    """Who bears how much, as it was typed.

    `people` are the names of those who take part besides me, none for the whole group. What `parts`
    say of a name, or of `me`, is the mode's: shares (1 unless told), percent, or an exact amount.
    """

    mode: Mode = "equal"
    people: Sequence[str] = ()
    parts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a split came to."""

    total: Amount
    own_share: int  # in the smallest parts of the unit
    requests: list[tuple[people.Person, Written]]


def split(
    app: App, tx: Transaction, membership: groups.Membership, amount: str, note: str, division: Division
) -> Bill:
    """Ask every other participant for his part of `amount`; the sum is exact to the smallest part.

    Raises:
        NotAllowedError: a participant is no contact of mine: we share no account.
        UsageError: the amount or a part is malformed, or the parts do not add up to it.
        NotFoundError: a name is that of no member.
    """
    total = parse_amount(amount)
    members = group_views.persons(app, tx, membership.group)
    if app.person not in members:
        raise NotAllowedError(f"you are not a member of #{membership.name}")
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
    bill = Expense(app.person, total, division.mode, numbers, app.entropy(_NONCE_SIZE))
    return _ask(app, tx, bill, note or membership.name)


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


def _ask(app: App, tx: Transaction, bill: Expense, note: str) -> Bill:
    borne = expenses.shares(bill)
    others = sorted(borne.keys() - {app.person})
    strangers = [one for one in others if not _is_contact(tx, one)]
    if strangers:
        names = ", ".join(name_of(app, tx, one) for one in strangers)
        raise NotAllowedError(f"{names} must be a contact before you can share a bill")
    if min(borne.values()) == 0:
        raise UsageError(f"{bill.total} is too little to be shared like this: somebody would bear nothing")
    requests = [(_person(tx, one), _request(app, tx, bill, one, note)) for one in others]
    return Bill(bill.total, borne.get(app.person, 0), requests)


def _request(app: App, tx: Transaction, bill: Expense, other: PersonId, note: str) -> Written:
    note, salt = accounts.salted(app, note)
    with accounts.opened(app, tx, other, bill.total.unit) as state:
        draft = expenses.request_share(state, app.person, bill, content.note_hash(note, salt))
        return accounts.write(app, tx, state, draft, note, salt)


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


def _is_contact(tx: Reader, id: PersonId) -> bool:
    person = people.person(tx, id)
    return person is not None and person.state == "accepted"


def _person(tx: Reader, id: PersonId) -> people.Person:
    person = people.person(tx, id)
    assert person is not None
    return person
