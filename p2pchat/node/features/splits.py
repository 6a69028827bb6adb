"""Splitting a bill that I paid among the members of a group: one request to each of the others.

A request binds nobody. Each member's own node signs what he owes, if he agrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.core.ids import PersonId
from p2pchat.core.ledger import split as shares
from p2pchat.core.ledger.money import Amount, parse_amount
from p2pchat.errors import NotAllowedError, UsageError
from p2pchat.node.features import group_views, ledger
from p2pchat.node.features.accounts import Written
from p2pchat.node.features.app import App
from p2pchat.node.features.names import name_of
from p2pchat.store import groups, people
from p2pchat.store.transaction import Transaction

_SALT_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Bill:
    """What a split came to."""

    total: Amount
    own_share: int  # in the smallest parts of the unit
    requests: list[tuple[people.Person, Written]]


def split(app: App, tx: Transaction, membership: groups.Membership, amount: str, note: str) -> Bill:
    """Ask every other member for an equal share of `amount`; the sum is exact to the smallest part.

    Raises:
        NotAllowedError: a member is no contact of mine: we share no account.
        UsageError: the amount is malformed, or too small to be shared.
    """
    total = parse_amount(amount)
    members = group_views.persons(app, tx, membership.group)
    if app.person not in members:
        raise NotAllowedError(f"you are not a member of #{membership.name}")
    if len(members) < 2:
        raise UsageError(f"#{membership.name} has nobody to share the bill with")
    strangers = [one for one in members - {app.person} if not _is_contact(tx, one)]
    if strangers:
        names = ", ".join(name_of(app, tx, one) for one in strangers)
        raise NotAllowedError(f"{names} must be a contact before you can share a bill")
    parts = shares.equal(total.minor, sorted(members), app.entropy(_SALT_SIZE))
    if min(parts.values()) == 0:
        raise UsageError(f"{total} is too little to be shared by {len(members)}")
    requests = []
    for member in sorted(members - {app.person}):
        person = people.person(tx, member)
        assert person is not None
        part = Amount(parts[member], total.unit)
        requests.append((person, ledger.request(app, tx, person, part, note or membership.name)))
    return Bill(total, parts[app.person], requests)


def _is_contact(tx: Transaction, id: PersonId) -> bool:
    person = people.person(tx, id)
    return person is not None and person.state == "accepted"
