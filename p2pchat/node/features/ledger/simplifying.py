"""Simplifying debts in a group: who takes part tells the others, and circles among them are cleared.

Nothing is rewritten: each circle is a clearing in which everybody signs for himself, so no debt grows and
nobody gets a new creditor. Who does not take part is not asked for anything, and is on no circle.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

import msgspec

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import GroupId, PersonId
from p2pchat.core.ledger import circulation, group_debts, probe, simplify
from p2pchat.core.ledger.circulation import Role, Side
from p2pchat.core.ledger.group_debts import Report, Standing
from p2pchat.core.ledger.money import Amount, parse_unit
from p2pchat.core.ledger.simplify import Change, Cycle
from p2pchat.core.ledger.units import Unit
from p2pchat.errors import NotAllowedError, ProtocolError
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_views
from p2pchat.node.features.ledger import accounts, circulation_roles, passages
from p2pchat.node.features.people.contacts import is_contact
from p2pchat.store import debt_reports, groups, ledger, people
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

FRESH_MS: Final = 10 * 60_000  # how long what somebody said is taken for what stands now


@dataclass(frozen=True, slots=True)
class Plan:
    """What could be cleared among those who answered, and what it means for each of them."""

    unit: Unit
    circles: list[Cycle[PersonId]]
    changes: dict[PersonId, Change]
    silent: list[PersonId]  # members who do not take part, or have not answered yet


def take_part(app: App, tx: Transaction, membership: groups.Membership, on: bool) -> None:
    """Whether members of the group may know my debts among them, and clear circles through me."""
    debt_reports.set_joined(tx, membership.group, on)
    if on:
        settings.put(tx, msgspec.structs.replace(settings.get(tx), circulates=True))


def ask(app: App, tx: Transaction, membership: groups.Membership, unit: str) -> Plan:
    """Ask the members anew, and say what can be cleared by what is known until now.

    Raises:
        NotAllowedError: I do not take part myself.
        UsageError: the unit is none.
    """
    wanted = parse_unit(unit)
    group = membership.group
    if not debt_reports.is_joined(tx, group):
        raise NotAllowedError(
            f"you do not simplify debts in #{membership.name}: `p2pchat circle join` begins"
        )
    question = Item(items.DEBTS_WANTED, group_debts.encode_ask(group, wanted))
    for member in sorted(group_views.persons(app, tx, group) - {app.person}):
        if is_contact(tx, member):
            passages.tell(tx, member, question)
    return plan(app, tx, group, wanted)


def clear(app: App, tx: Transaction, membership: groups.Membership, unit: str) -> Plan:
    """Begin every circle of the plan, or ask somebody on it to begin. Raises as `ask`."""
    made = ask(app, tx, membership, unit)
    for circle in made.circles:
        if app.person in circle.people:
            _begin(app, tx, made.unit, circle)
            continue
        starter = next((one for one in circle.people if is_contact(tx, one)), None)
        if starter is not None:
            wish = group_debts.encode_circle(membership.group, made.unit, circle)
            passages.tell(tx, starter, Item(items.DEBTS_CIRCLE, wish))
    return made


def plan(app: App, tx: Reader, group: GroupId, unit: Unit) -> Plan:
    """What can be cleared by what members have said lately."""
    members = group_views.persons(app, tx, group)
    raw = debt_reports.since(tx, group, passages.unit_bytes(unit), app.now_ms() - FRESH_MS)
    reports = {
        person: group_debts.decode_report(one).standing for person, one in raw.items() if person in members
    }
    reports[app.person] = _standing(app, tx, members, unit)
    owed = group_debts.debts(reports)
    circles = simplify.circles(owed)
    return Plan(unit, circles, simplify.changes(owed, circles), sorted(members - reports.keys()))


def take_ask(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A member asks for my debts in a group: told to fellow members, if I take part there.

    Raises:
        ProtocolError: malformed, or of somebody who is no member.
    """
    group, unit = group_debts.decode_ask(payload)
    if not debt_reports.is_joined(tx, group):
        return
    members = _members(app, tx, group, sender.person)
    report = Report(group, unit, _standing(app, tx, members, unit))
    passages.tell(tx, sender.person, Item(items.DEBTS, group_debts.encode_report(report)))


def take_report(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A member's debts in a group. Raises ProtocolError if malformed, or of somebody who is no member."""
    report = group_debts.decode_report(payload)
    _members(app, tx, report.group, sender.person)
    if debt_reports.is_joined(tx, report.group):
        unit = passages.unit_bytes(report.unit)
        debt_reports.put(tx, report.group, sender.person, unit, payload, app.now_ms())


def take_circle(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A member asks me to begin a circle.

    Raises:
        ProtocolError: malformed, of somebody who is no member, or a circle that I am not on.
    """
    group, unit, circle = group_debts.decode_circle(payload)
    members = _members(app, tx, group, sender.person)
    if not debt_reports.is_joined(tx, group):
        return
    if app.person not in circle.people or not set(circle.people) <= members:
        raise ProtocolError("a circle that I am not on, or that leaves the group")
    if circulation_roles.may_clear(tx):
        _begin(app, tx, unit, circle)


def _begin(app: App, tx: Transaction, unit: Unit, circle: Cycle[PersonId]) -> None:
    _me, debtor, *others = simplify.route(circle, app.person)
    amount = Amount(circle.minor, unit)
    circulation_roles.begin(
        app,
        tx,
        "clear",
        Role.INITIATOR,
        incoming=(others[-1], amount),
        outgoing=(debtor, amount),
        route=(*others, app.person),
        token=app.entropy(probe.TOKEN_SIZE),
    )


def _members(app: App, tx: Reader, group: GroupId, sender: PersonId) -> set[PersonId]:
    members = group_views.persons(app, tx, group)
    if sender not in members or app.person not in members:
        raise ProtocolError("debts of a group that we do not share")
    return members


def _standing(app: App, tx: Reader, members: set[PersonId], unit: Unit) -> Standing:
    """What others owe me, and I them below zero, as far as it could be let go now."""
    found: Standing = {}
    for stored in ledger.accounts(tx):
        if stored.person in members and circulation_roles.unit_of(stored.unit) == unit:
            with accounts.known(app, tx, stored) as state:
                owed = circulation.clearable(Side(state, app.person))
                owes = circulation.clearable(Side(state, stored.person))
            found |= {stored.person: owed or -owes} if owed or owes else {}
    return found
