"""IOUs, splits and balances."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import dropwhile, islice
from typing import Final

from p2pchat.api import money_views
from p2pchat.api import schema as s
from p2pchat.api.methods.base import MAX_PAGE, Change, Query, page_limit
from p2pchat.core import content
from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.ledger.attachments import detach
from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import direct
from p2pchat.node.features.ledger import (
    accounts,
    iou_story,
    ious,
    ledger,
    ledger_words,
    limits,
    proofs,
    splits,
)
from p2pchat.node.features.ledger.divisions import Division
from p2pchat.node.features.ledger.iou_terms import Terms
from p2pchat.node.features.ledger.ledger_words import in_unit
from p2pchat.node.features.people.names import find_exactly, find_group, find_person, name_of
from p2pchat.store import expenses, people, recoveries
from p2pchat.store.transaction import Reader, Transaction


def iou_pay(app: App, tx: Transaction, params: s.Pay) -> s.Iou:
    """See the table."""
    person = find_exactly(tx, params.who)
    return written_iou(app, tx, person, ledger.pay(app, tx, person, params.amount, _terms(params)))


def iou_request(app: App, tx: Transaction, params: s.RequestPay) -> s.Iou:
    """See the table."""
    person = find_exactly(tx, params.who)
    return written_iou(app, tx, person, ledger.request(app, tx, person, params.amount, _terms(params)))


def iou_settle(app: App, tx: Transaction, params: s.Settle) -> s.Iou:
    """See the table."""
    person = find_exactly(tx, params.who)
    return written_iou(app, tx, person, ledger.settle(app, tx, person, params.amount, params.note))


def iou_receipt(app: App, tx: Transaction, params: s.GiveReceipt) -> s.Iou:
    """See the table."""
    person = find_exactly(tx, params.who)
    return written_iou(app, tx, person, ledger.receipt(app, tx, person, params.amount, params.note))


def iou_accept(app: App, tx: Transaction, params: s.IouId) -> s.Iou:
    """See the table."""
    return _decided(app, tx, params.id, ledger.accept)


def iou_reject(app: App, tx: Transaction, params: s.IouId) -> s.Iou:
    """See the table."""
    return _decided(app, tx, params.id, ledger.reject)


def iou_split(app: App, tx: Transaction, params: s.Split) -> s.SplitResult:
    """See the table."""
    group = find_group(tx, params.group)
    return _bill(app, tx, splits.split(app, tx, group, params.amount, params.note, _division(params)))


def bill_list(app: App, tx: Reader, params: s.Nothing) -> s.Bills:
    """See the table."""
    return s.Bills(bills=[money_views.bill(app, tx, stored) for stored in expenses.newest(tx)])


def bill_edit(app: App, tx: Transaction, params: s.EditBill) -> s.SplitResult:
    """See the table."""
    stored = splits.find(tx, params.id)
    return _bill(app, tx, splits.edit(app, tx, stored, params.amount, params.note, _division(params)))


def bill_delete(app: App, tx: Transaction, params: s.BillId) -> s.SplitResult:
    """See the table."""
    return _bill(app, tx, splits.delete(app, tx, splits.find(tx, params.id)))


def iou_dispute(app: App, tx: Transaction, params: s.Dispute) -> s.Iou:
    """See the table."""
    return _decided(app, tx, params.id, lambda app, tx, line: ledger.dispute(app, tx, line, params.note))


def iou_remind(app: App, tx: Transaction, params: s.IouId) -> s.Iou:
    """See the table."""
    line = ious.find(app, tx, params.id)
    person = people.person(tx, line.person)
    assert person is not None
    direct.say(app, tx, person, content.Text(_reminder(line)))
    return _shown(app, tx, line.id)


def iou_same(app: App, tx: Transaction, params: s.SameIou) -> s.Ious:
    """See the table."""
    lines = [ious.find(app, tx, id) for id in (params.id, params.other)]
    person = people.person(tx, lines[0].person)
    assert person is not None
    for written in ledger.merge(app, tx, *lines):
        direct.say(app, tx, person, written.said, shown=written.shown)
    return s.Ious(ious=[_shown(app, tx, line.id) for line in lines])


def iou_limit(app: App, tx: Transaction, params: s.SetLimit) -> s.Balance:
    """See the table."""
    person = find_exactly(tx, params.who)
    written, unit = limits.set_limit(app, tx, person, params.amount, params.auto, params.holds)
    direct.say(app, tx, person, written.said, shown=written.shown)
    (standing,) = [one for one in ious.standings(app, tx, person.id) if one.unit == unit]
    return money_views.balance(app, tx, standing)


def iou_list(app: App, tx: Reader, params: s.IouQuery) -> s.Ious:
    """See the table."""
    if params.ids is not None:
        found = [ious.get(app, tx, LedgerEntryId.parse(id)) for id in params.ids[:MAX_PAGE]]
        return s.Ious(ious=[money_views.iou(app, tx, line) for line in found if line])
    if params.limit is not None:
        page_limit(params.limit)
    person = find_person(tx, params.who).id if params.who else None
    lines: Iterable[ious.Line] = ious.lines(app, tx, person)
    if params.before:
        before = LedgerEntryId.parse(params.before)
        lines = islice(dropwhile(lambda line: line.id != before, lines), 1, None)
    if params.waiting:
        lines = (line for line in lines if money_views.is_mine_to_decide(line))
    listed = list(lines if params.limit is None else islice(lines, params.limit + 1))
    page = listed[: params.limit]
    return s.Ious(ious=[money_views.iou(app, tx, line) for line in page], more=len(listed) > len(page))


def iou_show(app: App, tx: Reader, params: s.IouId) -> s.IouStory:
    """See the table."""
    line = ious.find(app, tx, params.id)
    steps = [
        s.IouStep(
            id=one.id.text,
            who=name_of(app, tx, one.person),
            mine=one.person == app.person,
            device=one.device.text,
            at_ms=one.created_ms,
            text=one.said,
        )
        for one in iou_story.steps(app, tx, line)
    ]
    return s.IouStory(iou=money_views.iou(app, tx, line), steps=steps)


def iou_balance(app: App, tx: Reader, params: s.BalanceQuery) -> s.Balances:
    """See the table."""
    person = find_person(tx, params.who).id if params.who else None
    standings = ious.standings(app, tx, person)
    shown = [one for one in standings if one.minor or one.open or one.limit or one.their_limit]
    return s.Balances(balances=[money_views.balance(app, tx, one) for one in shown])


def ledger_statement(app: App, tx: Transaction, params: s.StatementQuery) -> s.Proof:
    """See the table."""
    person = find_person(tx, params.who)
    if params.challenge is not None and not 8 <= len(params.challenge) <= 32:
        raise UsageError("a challenge has 8 to 32 bytes")
    proof = proofs.prove(app, tx, person, params.unit, params.challenge)
    if proof.proposal is not None:
        direct.say(app, tx, person, proof.proposal.said, shown=proof.proposal.shown)
    return s.Proof(data=proof.data, countersigned=proof.countersigned)


def ledger_export(app: App, tx: Reader, params: s.BookQuery) -> s.Books:
    """See the table."""
    person = find_person(tx, params.who) if params.who else None
    found = proofs.books(app, tx, person, params.unit, params.format)
    return s.Books(
        books=[
            s.Book(who=name_of(app, tx, book.person), unit=book.unit, data=book.text.encode())
            for book in found
        ]
    )


def ledger_receipt(app: App, tx: Reader, params: s.IouId) -> s.Proof:
    """See the table."""
    line = ious.find(app, tx, params.id)
    return s.Proof(data=proofs.receipt(app, tx, line), countersigned=not line.open)


def ledger_register(app: App, tx: Reader, params: s.RegisterQuery) -> s.Registers:
    """See the table."""
    person = find_person(tx, params.who) if params.who else None
    found = proofs.registers(app, tx, person, params.unit)
    return s.Registers(registers=[money_views.register(one) for one in found])


def ledger_forks(app: App, tx: Reader, params: s.Nothing) -> s.Forks:
    """See the table."""
    return s.Forks(forks=[money_views.fork(app, tx, found) for found in recoveries.forks(tx)])


def _reminder(line: ious.Line) -> str:
    note, _files = detach(line.note)
    return ledger_words.reminder(line.minor, line.unit, line.purpose.due, note, i_owe=line.i_owe)


def _terms(params: s.Entered) -> Terms:
    return Terms(params.note, params.due, params.zone, params.into, params.rate, params.files)


def _division(params: s.Divided) -> Division:
    items = [(item.amount, item.people) for item in params.items]
    parts = (params.people, params.parts, items, params.extra, params.into, params.rate)
    return Division(params.mode, *parts)


def _bill(app: App, tx: Transaction, bill: splits.Bill) -> s.SplitResult:
    return s.SplitResult(
        id=bill.id.text,
        total=str(bill.total),
        own_share=in_unit(bill.own_share, bill.total.unit),
        ious=_signed(app, tx, bill),
    )


def _signed(app: App, tx: Transaction, bill: splits.Bill) -> list[s.Iou]:
    """What a bill made me sign, each IOU and request once."""
    shown = []
    for person, written in bill.requests:
        direct.say(app, tx, person, written.said, shown=written.shown)
        line = ious.get(app, tx, written.about)
        shown += [money_views.iou(app, tx, line)] if line else []
    return shown


def _decided(
    app: App, tx: Transaction, id: str, decide: Callable[[App, Transaction, ious.Line], accounts.Written]
) -> s.Iou:
    line = ious.find(app, tx, id)
    person = people.person(tx, line.person)
    assert person is not None
    written = decide(app, tx, line)
    direct.say(app, tx, person, written.said, shown=written.shown)
    return _shown(app, tx, line.id)


def written_iou(app: App, tx: Transaction, person: people.Person, written: accounts.Written) -> s.Iou:
    """Send what was signed, and show it."""
    direct.say(app, tx, person, written.said, shown=written.shown)
    return _shown(app, tx, written.id)


def _shown(app: App, tx: Transaction, id: LedgerEntryId) -> s.Iou:
    line = ious.get(app, tx, id)
    assert line is not None
    return money_views.iou(app, tx, line)


QUERIES: Final[dict[str, Query]] = {
    "iou.list": iou_list,
    "iou.show": iou_show,
    "iou.balance": iou_balance,
    "bill.list": bill_list,
    "ledger.export": ledger_export,
    "ledger.register": ledger_register,
    "ledger.receipt": ledger_receipt,
    "ledger.forks": ledger_forks,
}
CHANGES: Final[dict[str, Change]] = {
    "iou.pay": iou_pay,
    "iou.request": iou_request,
    "iou.settle": iou_settle,
    "iou.receipt": iou_receipt,
    "iou.split": iou_split,
    "bill.edit": bill_edit,
    "bill.delete": bill_delete,
    "iou.dispute": iou_dispute,
    "iou.remind": iou_remind,
    "iou.accept": iou_accept,
    "iou.reject": iou_reject,
    "iou.same": iou_same,
    "iou.limit": iou_limit,
    "ledger.statement": ledger_statement,
}
