"""What stands between people, as the API shows it."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.codec import decode
from p2pchat.core.ids import CirculationId, PersonId
from p2pchat.core.ledger.units import read_unit
from p2pchat.node.features import ious, recovering
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger_words import in_unit
from p2pchat.node.features.names import name_of
from p2pchat.store import ledger, passages, people, recoveries
from p2pchat.store.transaction import Reader


def iou(app: App, tx: Reader, line: ious.Line) -> s.Iou:
    """An IOU or a request from my point of view."""
    return s.Iou(
        id=line.id.text,
        who=name_of(app, tx, line.person),
        direction="i-owe" if line.i_owe else "owes-me",
        reason=line.reason.name.lower(),
        amount=in_unit(line.minor, line.unit),
        minor=line.minor,
        unit=line.unit.code,
        state=str(line.status),
        note=line.note,
        at_ms=line.created_ms,
        mine_to_decide=line.open and not line.mine and line.lock is None,
        same_as=line.twin.text if line.twin else None,
        kind="request" if line.is_request else "iou",
    )


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
