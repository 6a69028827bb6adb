"""Circulations: paying through friends, clearing circles, handing on claims, swapping units."""

from __future__ import annotations

from typing import Final

from p2pchat.api import money_views
from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.core.ids import PersonId
from p2pchat.core.ledger.money import parse_unit
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import circulations, simplifying
from p2pchat.node.features.people.names import find_exactly, find_group
from p2pchat.store import passages
from p2pchat.store.transaction import Reader, Transaction


def circle_take_part(app: App, tx: Transaction, params: s.TakePart) -> s.Circulations:
    """See the table."""
    circulations.take_part(app, tx, params.on)
    return _all(app, tx)


def circle_list(app: App, tx: Reader, params: s.Nothing) -> s.Circulations:
    """See the table."""
    return _all(app, tx)


def circle_pay(app: App, tx: Transaction, params: s.PayThrough) -> s.Circulation:
    """See the table."""
    payee = find_exactly(tx, params.who)
    ask = circulations.pay(app, tx, payee, params.amount, params.note, _way(tx, params.through))
    return money_views.ask(app, tx, ask)


def circle_invoice(app: App, tx: Transaction, params: s.MakeInvoice) -> s.InvoiceText:
    """See the table."""
    id, text = circulations.invoice(app, tx, params.amount, params.note)
    return s.InvoiceText(id=id.text, invoice=text)


def circle_pay_invoice(app: App, tx: Transaction, params: s.PayInvoice) -> s.Circulation:
    """See the table."""
    stored = circulations.pay_invoice(app, tx, params.invoice, params.note, _way(tx, params.through))
    return money_views.circulation(app, tx, stored)


def circle_clear(app: App, tx: Transaction, params: s.Clear) -> s.Looking:
    """See the table."""
    return s.Looking(units=[str(unit) for unit in circulations.clear(app, tx, params.unit)])


def circle_assign(app: App, tx: Transaction, params: s.Assign) -> s.Circulation:
    """See the table."""
    debtor, creditor = (find_exactly(tx, name) for name in (params.debtor, params.creditor))
    stored = circulations.assign(app, tx, debtor, params.amount, creditor)
    return money_views.circulation(app, tx, stored)


def circle_swap(app: App, tx: Transaction, params: s.ProposeSwap) -> s.Circulation:
    """See the table."""
    stored = circulations.swap(app, tx, find_exactly(tx, params.who), params.gives, params.takes)
    return money_views.circulation(app, tx, stored)


def circle_join(app: App, tx: Transaction, params: s.SimplifyPart) -> s.Done:
    """See the table."""
    simplifying.take_part(app, tx, find_group(tx, params.group), params.on)
    return s.Done()


def circle_simplify(app: App, tx: Transaction, params: s.Simplify) -> s.SimplifyPlan:
    """See the table."""
    plan = simplifying.ask(app, tx, find_group(tx, params.group), params.unit)
    return money_views.simplify_plan(app, tx, plan)


def circle_plan(app: App, tx: Reader, params: s.Simplify) -> s.SimplifyPlan:
    """See the table."""
    plan = simplifying.plan(app, tx, find_group(tx, params.group).group, parse_unit(params.unit))
    return money_views.simplify_plan(app, tx, plan)


def circle_simplify_clear(app: App, tx: Transaction, params: s.Simplify) -> s.SimplifyPlan:
    """See the table."""
    plan = simplifying.clear(app, tx, find_group(tx, params.group), params.unit)
    return money_views.simplify_plan(app, tx, plan)


def circle_accept(app: App, tx: Transaction, params: s.CirculationRef) -> s.Circulation:
    """See the table."""
    circulations.agree(app, tx, circulations.find(tx, params.id))
    return money_views.circulation(app, tx, circulations.find(tx, params.id))


def circle_cancel(app: App, tx: Transaction, params: s.CirculationRef) -> s.Circulation:
    """See the table."""
    circulations.cancel(app, tx, circulations.find(tx, params.id))
    return money_views.circulation(app, tx, circulations.find(tx, params.id))


def _way(tx: Reader, names: list[str]) -> list[PersonId]:
    return [_person(tx, name) for name in names]


def _person(tx: Reader, name: str) -> PersonId:
    """Who is meant; friends of friends, whom I do not know, are named by their whole ids."""
    try:
        return find_exactly(tx, name).id
    except NotFoundError as unknown:
        try:
            return PersonId.parse(name.strip())
        except UsageError:
            raise unknown from None


def _all(app: App, tx: Reader) -> s.Circulations:
    shown = [money_views.ask(app, tx, one) for one in passages.asks(tx)]
    shown += [money_views.circulation(app, tx, one) for one in passages.every(tx)]
    return s.Circulations(takes_part=settings.get(tx).circulates, circulations=shown)


QUERIES: Final[dict[str, Query]] = {"circle.list": circle_list, "circle.plan": circle_plan}
CHANGES: Final[dict[str, Change]] = {
    "circle.take-part": circle_take_part,
    "circle.pay": circle_pay,
    "circle.invoice": circle_invoice,
    "circle.pay-invoice": circle_pay_invoice,
    "circle.clear": circle_clear,
    "circle.assign": circle_assign,
    "circle.swap": circle_swap,
    "circle.join": circle_join,
    "circle.simplify": circle_simplify,
    "circle.simplify-clear": circle_simplify_clear,
    "circle.accept": circle_accept,
    "circle.cancel": circle_cancel,
}
