"""What stands between people, as the API shows it."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.codec import decode
from p2pchat.core.ledger.units import read_unit
from p2pchat.node.features import ious, recovering
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger_words import in_unit
from p2pchat.node.features.names import name_of
from p2pchat.store import ledger, people, recoveries
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
        mine_to_decide=line.open and not line.mine,
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
