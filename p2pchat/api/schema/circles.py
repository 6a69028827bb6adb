"""Debts that move around several people at once: all of it, or nothing."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class TakePart(Params):
    """Whether my node passes on payments of friends, and lets debts in circles cancel out."""

    on: bool


class PayThrough(Params):
    """I pay a contact, and friends on the way owe each other in turn; they are named from me on."""

    who: str
    amount: str
    note: str = ""
    through: list[str] = msgspec.field(default_factory=list)


class MakeInvoice(Params):
    """An invoice as text, which somebody who is no contact can pay through friends."""

    amount: str
    note: str = ""


class PayInvoice(Params):
    """Pay an invoice through friends, of whom the last knows the payee."""

    invoice: str
    note: str = ""
    through: list[str] = msgspec.field(default_factory=list)


class Clear(Params):
    """Look for circles of debts through me, in one unit or in all."""

    unit: str | None = None


class Assign(Params):
    """What the debtor owes me he is to owe the creditor."""

    debtor: str
    amount: str
    creditor: str


class ProposeSwap(Params):
    """I owe the contact `gives`, and he owes me `takes`, or neither."""

    who: str
    gives: str
    takes: str


class SimplifyPart(Params):
    """Whether members of a group may know my debts among them, and clear circles through me."""

    group: str
    on: bool


class Simplify(Params):
    """Debts among the members of a group who take part, in one unit."""

    group: str
    unit: str


class DebtCircle(Result):
    """Each of `people` owes the next and the last the first; so much of each of these debts goes."""

    people: list[str]
    amount: str


class DebtChange(Result):
    """What simplifying means for one person; the net stays."""

    who: str
    owes_before: str
    owes_after: str
    due_before: str
    due_after: str


class SimplifyPlan(Result):
    """What can be cleared by what members have said so far."""

    circles: list[DebtCircle]
    changes: list[DebtChange]
    silent: list[str]  # members who do not take part, or have not answered yet


class CirculationRef(Params):
    """A circulation by its id or the beginning of it."""

    id: str


class Circulation(Result):
    """My part in one."""

    id: str
    kind: str  # pay | clear | assign | swap; pass: I am in between
    role: str  # payer | intermediary | payee | initiator
    state: str  # asked | proposed | open | done | cancelled
    from_who: str | None  # who concedes to me; None: nobody, or not known yet
    incoming: str | None  # what I am owed more, or owe less, by that
    to_who: str | None
    outgoing: str | None
    note: str
    deadline_ms: int
    mine_to_decide: bool


class Circulations(Result):
    """The newest first; `takes_part`: my node passes on what friends send."""

    takes_part: bool
    circulations: list[Circulation]


class InvoiceText(Result):
    """An invoice to be given to the payer."""

    id: str
    invoice: str


class Looking(Result):
    """In which units a circle is looked for."""

    units: list[str]


METHODS: Final[dict[str, Method]] = {
    "circle.take-part": Method(TakePart, Circulations, "store", "Take part in circulations, or no longer"),
    "circle.list": Method(Nothing, Circulations, "store", "Circulations that go through me"),
    "circle.pay": Method(PayThrough, Circulation, "store", "Pay a contact through friends"),
    "circle.invoice": Method(MakeInvoice, InvoiceText, "store", "Make an invoice"),
    "circle.pay-invoice": Method(PayInvoice, Circulation, "store", "Pay an invoice through friends"),
    "circle.clear": Method(Clear, Looking, "store", "Look for circles of debts, and clear them"),
    "circle.assign": Method(Assign, Circulation, "store", "Hand a claim on to somebody else"),
    "circle.swap": Method(ProposeSwap, Circulation, "store", "Offer one unit for another"),
    "circle.join": Method(SimplifyPart, Done, "store", "Simplify debts in a group, or no longer"),
    "circle.simplify": Method(Simplify, SimplifyPlan, "store", "Ask what can be simplified in a group"),
    "circle.plan": Method(Simplify, SimplifyPlan, "store", "What can be simplified, by what was answered"),
    "circle.simplify-clear": Method(Simplify, SimplifyPlan, "store", "Clear what can be simplified"),
    "circle.accept": Method(CirculationRef, Circulation, "store", "Agree to a swap"),
    "circle.cancel": Method(CirculationRef, Circulation, "store", "Ask for the end of a circulation"),
}
