"""What comes again, what is due, and what comes from other programs."""

from __future__ import annotations

from typing import Final

from p2pchat.api import money_views
from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.api.methods.money import written_iou
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import imports, recurring
from p2pchat.node.features.ledger.iou_terms import Terms
from p2pchat.node.features.people.names import find_exactly
from p2pchat.store import recurring as store
from p2pchat.store.transaction import Reader, Transaction

_DIGEST_SIZE: Final = 32


def recurring_add(app: App, tx: Transaction, params: s.AddRecurring) -> s.Recurring:
    """See the table."""
    person = find_exactly(tx, params.who)
    terms = Terms(note=params.note, due=params.first, zone=params.zone)
    rule = recurring.add(
        app, tx, person, params.kind, params.amount, terms, params.step, params.every, params.until
    )
    shown = money_views.recurring_rule(app, tx, rule)
    recurring.enter_due(app, tx)
    return shown


def recurring_list(app: App, tx: Reader, params: s.Nothing) -> s.RecurringList:
    """See the table."""
    return s.RecurringList(recurring=[money_views.recurring_rule(app, tx, rule) for rule in store.every(tx)])


def recurring_stop(app: App, tx: Transaction, params: s.RecurringId) -> s.Done:
    """See the table."""
    store.remove(tx, recurring.find(tx, params.id).id)
    return s.Done()


def iou_due(app: App, tx: Reader, params: s.Nothing) -> s.Dues:
    """See the table."""
    return s.Dues(dues=[money_views.due(one) for one in recurring.dues(app, tx)])


def ledger_import(app: App, tx: Transaction, params: s.Import) -> s.Ious:
    """See the table."""
    if len(params.digest) != _DIGEST_SIZE:
        raise UsageError("the digest of a file has 32 bytes")
    sums = [imports.Sum(find_exactly(tx, one.who), one.amount, one.i_owe, one.note) for one in params.sums]
    entered = imports.enter(app, tx, params.digest, sums, again=params.again)
    return s.Ious(ious=[written_iou(app, tx, person, written) for person, written in entered])


QUERIES: Final[dict[str, Query]] = {"recurring.list": recurring_list, "iou.due": iou_due}
CHANGES: Final[dict[str, Change]] = {
    "recurring.add": recurring_add,
    "recurring.stop": recurring_stop,
    "ledger.import": ledger_import,
}
