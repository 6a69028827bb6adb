"""What comes again, what is due, and what comes from other programs."""

from __future__ import annotations

from typing import Final, Literal

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result
from p2pchat.api.schema.money import Ious


class AddRecurring(Params):
    """Enter this on the first day, and every so many days, weeks, months or years from then on."""

    kind: Literal["pay", "request"]
    who: str
    amount: str
    step: Literal["day", "week", "month", "year"]
    note: str = ""
    every: int = 1
    first: str | None = None  # YYYY-MM-DD, a day in `zone`; None: today
    until: str | None = None  # the last day, included
    zone: str = "UTC"


class RecurringId(Params):
    """A recurring IOU by its id or the beginning of it."""

    id: str


class Recurring(Result):
    """An IOU or a request that comes again."""

    id: str
    kind: str
    who: str
    amount: str
    note: str
    step: str
    every: int
    next: str | None  # the next day; None: there is none
    until: str | None


class RecurringList(Result):
    """By their first days."""

    recurring: list[Recurring]


class Due(Result):
    """An amount with a due date that is not settled."""

    id: str
    who: str
    direction: str  # i-owe | owes-me
    amount: str
    minor: int
    unit: str
    due: str
    days_late: int  # below zero: still to come
    agreed: bool  # False: a request that nobody has answered
    note: str


class Dues(Result):
    """The earliest first."""

    dues: list[Due]


class ImportedSum(Params):
    """What stands between a contact and me by a file."""

    who: str
    amount: str
    i_owe: bool
    note: str = ""


class Import(Params):
    """Enter all sums of a file, each as an IOU or a request; once for each `digest`."""

    digest: bytes  # SHA-256 of the file
    sums: list[ImportedSum]
    again: bool = False


METHODS: Final[dict[str, Method]] = {
    "recurring.add": Method(AddRecurring, Recurring, "store", "Enter an IOU again and again"),
    "recurring.list": Method(Nothing, RecurringList, "store", "IOUs that come again"),
    "recurring.stop": Method(RecurringId, Done, "store", "Enter it no more"),
    "iou.due": Method(Nothing, Dues, "store", "What is due, the earliest first"),
    "ledger.import": Method(Import, Ious, "store", "Enter the sums of another program's file"),
}
