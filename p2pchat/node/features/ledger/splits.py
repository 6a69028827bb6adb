"""Splitting a bill that I paid among members of a group: one request to each of the others.

A request binds nobody. Each member's own node signs what he owes, if he agrees. An edit is a new version:
whoever's share changed owes nothing for it until he signs the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from p2pchat.core import content
from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger import expense as expenses
from p2pchat.core.ledger.expense import Expense
from p2pchat.core.ledger.money import Amount
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts, divisions
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.ledger.divisions import Division
from p2pchat.node.features.people.names import name_of
from p2pchat.store import expenses as rows
from p2pchat.store import groups, people
from p2pchat.store.expenses import StoredExpense
from p2pchat.store.transaction import Reader, Transaction

_LEAST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Bill:
    """What a split came to: its id, my own share in smallest parts, and what I sign for the others."""

    id: LedgerEntryId
    total: Amount
    own_share: int
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
    bill = divisions.divide(app, tx, membership, amount, division)
    others = _check_sharers(app, tx, bill)
    note = _note(note or membership.name, amount, division)
    requests = [(_person(tx, one), _request(app, tx, bill, one, note)) for one in others]
    return _keep(app, tx, membership, bill, note, requests)


def edit(
    app: App, tx: Transaction, stored: StoredExpense, amount: str, note: str, division: Division
) -> Bill:
    """A new version of a bill of mine: changed shares are given up and asked for anew, others stay.

    Raises:
        as `split`; UsageError as well if the new version is in another unit.
    """
    membership = groups.get(tx, stored.group)
    if membership is None:
        raise NotFoundError("the group of this bill is gone")
    old = expenses.decode(stored.raw)
    new = divisions.divide(app, tx, membership, amount, division, replaces=stored.id)
    if new.total.unit != old.total.unit:
        raise UsageError(f"a new version of this bill is in {old.total.unit} too: delete it to change that")
    others = _check_sharers(app, tx, new)
    note = _note(note, amount, division) if note else stored.note
    earlier = _versions(tx, stored)
    signed = [
        (_person(tx, one), written)
        for one in sorted({*others, *expenses.shares(old)} - {app.person})
        for written in _revise(app, tx, (old, new), earlier, one, note)
    ]
    rows.put(tx, replace(stored, replaced=True))
    return _keep(app, tx, membership, new, note, signed)


def delete(app: App, tx: Transaction, stored: StoredExpense) -> Bill:
    """Nothing of this bill of mine is owed any more."""
    old, versions = expenses.decode(stored.raw), _versions(tx, stored)
    signed: list[tuple[people.Person, Written]] = []
    for one in sorted(expenses.shares(old).keys() - {app.person}):
        with accounts.opened(app, tx, one, old.total.unit) as state:
            drafts = expenses.give_up_share(state, app.person, versions)
            signed += [(_person(tx, one), accounts.write(app, tx, state, draft)) for draft in drafts]
    rows.put(tx, replace(stored, replaced=True))
    return Bill(LedgerEntryId(stored.id), old.total, 0, signed)


def find(tx: Reader, prefix: str) -> StoredExpense:
    """My bill whose id begins with `prefix`. Raises NotFoundError if there is not exactly one."""
    wanted = prefix.strip().lower()
    found = [one for one in rows.newest(tx) if LedgerEntryId(one.id).text.startswith(wanted)]
    if len(wanted) < _LEAST_PREFIX or len(found) != 1:
        raise NotFoundError(f"'{prefix}' is the beginning of {'several' if found else 'no'} bill id")
    return found[0]


def _note(note: str, amount: str, division: Division) -> str:
    return f"{note} ({amount} at {division.rate})" if division.rate else note


def _check_sharers(app: App, tx: Reader, bill: Expense) -> list[PersonId]:
    """Those whom I ask."""
    borne = expenses.shares(bill)
    others = sorted(borne.keys() - {app.person})
    if not others:
        raise UsageError("nobody else bears anything of this bill")
    strangers = [one for one in others if not _is_contact(tx, one)]
    if strangers:
        names = ", ".join(name_of(app, tx, one) for one in strangers)
        raise NotAllowedError(f"{names} must be a contact before you can share a bill")
    if min(borne.values()) == 0:
        raise UsageError(f"{bill.total} is too little to be shared like this: somebody would bear nothing")
    return others


def _keep(
    app: App,
    tx: Transaction,
    membership: groups.Membership,
    bill: Expense,
    note: str,
    signed: list[tuple[people.Person, Written]],
) -> Bill:
    id = expenses.expense_id(bill)
    raw = expenses.encode(bill)
    rows.put(tx, StoredExpense(id, raw, membership.group, note, False, app.now_ms()))
    return Bill(LedgerEntryId(id), bill.total, expenses.shares(bill).get(app.person, 0), signed)


def _request(app: App, tx: Transaction, bill: Expense, other: PersonId, note: str) -> Written:
    note, salt = accounts.salted(app, note)
    with accounts.opened(app, tx, other, bill.total.unit) as state:
        draft = expenses.request_share(state, app.person, bill, content.note_hash(note, salt))
        return accounts.write(app, tx, state, draft, note, salt)


def _versions(tx: Reader, stored: StoredExpense) -> set[bytes]:
    """The ids of a bill in all its versions up to this one."""
    ids: set[bytes] = set()
    version: StoredExpense | None = stored
    while version is not None:
        ids.add(version.id)
        before = expenses.decode(version.raw).replaces
        version = rows.get(tx, before) if before else None
    return ids


def _revise(
    app: App,
    tx: Transaction,
    change: tuple[Expense, Expense],
    earlier: set[bytes],
    other: PersonId,
    note: str,
) -> list[Written]:
    old, new = change
    note, salt = accounts.salted(app, note)
    memo = content.note_hash(note, salt)
    with accounts.opened(app, tx, other, new.total.unit) as state:
        return [
            accounts.write(app, tx, state, draft, *((note, salt) if draft.memo_hash else ()))
            for draft in expenses.revise_share(state, app.person, old, new, memo, earlier=earlier)
        ]


def _is_contact(tx: Reader, id: PersonId) -> bool:
    person = people.person(tx, id)
    return person is not None and person.state == "accepted"


def _person(tx: Reader, id: PersonId) -> people.Person:
    person = people.person(tx, id)
    assert person is not None
    return person
