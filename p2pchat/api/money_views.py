"""What stands between people, as the API shows it."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

from p2pchat.api import schema as s
from p2pchat.core.codec import decode
from p2pchat.core.ids import CirculationId, LedgerEntryId, PersonId
from p2pchat.core.ledger import expense
from p2pchat.core.ledger.attachments import detach
from p2pchat.core.ledger.books.register import Register, category_of
from p2pchat.core.ledger.conversion import decimal, is_consistent
from p2pchat.core.ledger.units import read_unit
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import ious, recovering, recurring
from p2pchat.node.features.ledger.ledger_words import in_unit
from p2pchat.node.features.ledger.simplifying import Plan
from p2pchat.node.features.people.names import name_of
from p2pchat.store import expenses, groups, ledger, passages, people, recoveries
from p2pchat.store.recurring import Recurring as Rule
from p2pchat.store.transaction import Reader


def iou(app: App, tx: Reader, line: ious.Line) -> s.Iou:
    """An IOU or a request from my point of view."""
    note, files = detach(line.note)
    return s.Iou(
        id=line.id.text,
        who=name_of(app, tx, line.person),
        direction="i-owe" if line.i_owe else "owes-me",
        reason=line.reason.name.lower(),
        amount=in_unit(line.minor, line.unit),
        minor=line.minor,
        unit=line.unit.code,
        state=str(line.status),
        note=note,
        at_ms=line.created_ms,
        due=line.purpose.due,
        foreign=_foreign(line),
        category=category_of(note),
        files=files,
        disputed=line.disputed,
        mine_to_decide=is_mine_to_decide(line),
        same_as=line.twin.text if line.twin else None,
        kind="request" if line.is_request else "iou",
    )


def is_mine_to_decide(line: ious.Line) -> bool:
    """Whether an IOU or request waits for me: not what a circulation decides about."""
    return line.open and not line.mine and line.lock is None


def balance(app: App, tx: Reader, standing: ious.Standing) -> s.Balance:
    """What stands between me and one person in one unit."""
    limit = standing.limit
    sign = "+" if standing.minor > 0 else ""
    return s.Balance(
        who=name_of(app, tx, standing.person),
        amount=f"{sign}{in_unit(standing.minor, standing.unit)}",
        minor=standing.minor,
        unit=standing.unit.code,
        open_offers=standing.open,
        limit=in_unit(limit.owed, standing.unit) if limit else None,
        auto=in_unit(limit.automatic, standing.unit) if limit and limit.automatic else None,
        their_limit=in_unit(standing.their_limit.owed, standing.unit) if standing.their_limit else None,
        recovering=recovering.is_needed(app, tx, standing.person),
    )


def fork(app: App, tx: Reader, found: recoveries.Fork) -> s.Fork:
    """A proof that a device of a contact, or of mine, signed two entries with one number."""
    device = people.device(tx, found.device)
    account = ledger.account(tx, found.account)
    owner = app.person if device is None else device.person
    return s.Fork(
        who="me" if owner == app.person else name_of(app, tx, owner),
        device=found.device.text,
        unit=read_unit(decode(account.unit)).code if account else "",
        at_ms=found.noticed_ms,
        data=found.proof,
    )


def circulation(app: App, tx: Reader, stored: passages.StoredPassage) -> s.Circulation:
    """My part in a circulation."""

    def named(person: PersonId | None) -> str | None:
        return None if person is None else name_of(app, tx, person)

    def amount(minor: int, unit: bytes | None) -> str | None:
        return None if unit is None else in_unit(minor, read_unit(decode(unit)))

    return s.Circulation(
        id=CirculationId(stored.lock).text,
        kind=stored.kind,
        role=stored.role,
        state=stored.outcome if stored.agreed else "proposed",
        from_who=named(stored.from_person),
        incoming=amount(stored.incoming, stored.from_unit),
        to_who=named(stored.to_person),
        outgoing=amount(stored.outgoing, stored.to_unit),
        note=stored.note,
        deadline_ms=stored.deadline_ms,
        mine_to_decide=not stored.agreed and stored.outcome == "open",
    )


def ask(app: App, tx: Reader, wanted: passages.StoredAsk) -> s.Circulation:
    """A payment whose payee has not answered yet."""
    return s.Circulation(
        id=CirculationId(wanted.id.ljust(32, b"\0")).text,
        kind="pay",
        role="payer",
        state="asked",
        from_who=None,
        incoming=None,
        to_who=name_of(app, tx, wanted.route[0]),
        outgoing=in_unit(wanted.minor, read_unit(decode(wanted.unit))),
        note=wanted.note,
        deadline_ms=0,
        mine_to_decide=False,
    )


def register(listed: Register) -> s.Register:
    """An account line by line."""
    unit = listed.account.unit
    balances = accumulate(line.minor if line.counts else 0 for line in listed.lines)
    return s.Register(
        who=listed.name,
        unit=unit.code,
        scale=unit.scale,
        balance=listed.balance,
        lines=[
            s.RegisterLine(
                id=line.id.text,
                at_ms=line.created_ms,
                minor=line.minor,
                amount=in_unit(line.minor, unit),
                status=line.status,
                reason=line.reason,
                counts=line.counts,
                balance=balance,
                disputed=line.disputed,
                due=line.due,
                category=line.category,
                note=detach(line.text)[0],
            )
            for line, balance in zip(listed.lines, balances, strict=True)
        ],
    )


def bill(app: App, tx: Reader, stored: expenses.StoredExpense) -> s.Bill:
    """A bill of mine with what each one bears."""
    found = expense.decode(stored.raw)
    membership = groups.get(tx, stored.group)
    return s.Bill(
        id=LedgerEntryId(stored.id).text,
        group=membership.name if membership else stored.group.short,
        total=str(found.total),
        note=stored.note,
        shares={
            "me" if person == app.person else name_of(app, tx, person): in_unit(minor, found.total.unit)
            for person, minor in expense.shares(found).items()
        },
        at_ms=stored.created_ms,
    )


def recurring_rule(app: App, tx: Reader, rule: Rule) -> s.Recurring:
    """An IOU that comes again."""
    day = recurring.next_day(rule)
    return s.Recurring(
        id=rule.id.hex(),
        kind=rule.kind,
        who=name_of(app, tx, rule.person),
        amount=rule.amount,
        note=detach(rule.note)[0],
        step=rule.step,
        every=rule.every,
        next=day.isoformat() if day else None,
        until=rule.until,
    )


def due(one: recurring.OpenDue) -> s.Due:
    """An amount that is due."""
    return s.Due(
        id=one.due.entry.text,
        who=one.person.petname,
        direction="owes-me" if one.due.minor > 0 else "i-owe",
        amount=in_unit(abs(one.due.minor), one.unit),
        minor=abs(one.due.minor),
        unit=one.unit.code,
        due=one.due.due.isoformat(),
        days_late=one.days_late,
        agreed=one.due.agreed,
        note=detach(one.note)[0],
    )


def _foreign(line: ious.Line) -> str | None:
    conversion = line.purpose.conversion
    if conversion is None:
        return None
    rate = decimal(Fraction(conversion.numerator, conversion.denominator))
    doubt = "" if is_consistent(conversion, line.minor, line.unit) else ", which is not this amount!"
    return f"{in_unit(conversion.foreign, conversion.unit)} at {rate}{doubt}"


def simplify_plan(app: App, tx: Reader, plan: Plan) -> s.SimplifyPlan:
    """What simplifying means, for each person."""

    def named(person: PersonId) -> str:
        return "me" if person == app.person else name_of(app, tx, person)

    def amount(minor: int) -> str:
        return in_unit(minor, plan.unit)

    return s.SimplifyPlan(
        circles=[
            s.DebtCircle(people=[named(one) for one in circle.people], amount=amount(circle.minor))
            for circle in plan.circles
        ],
        changes=[
            s.DebtChange(
                who=named(person),
                owes_before=amount(change.owes_before),
                owes_after=amount(change.owes_after),
                due_before=amount(change.due_before),
                due_after=amount(change.due_after),
            )
            for person, change in plan.changes.items()
        ],
        silent=[named(person) for person in plan.silent],
    )
