"""Sums from another program, each entered as an IOU or as a request: all of a file at once, and once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from p2pchat.errors import UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import ledger
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.ledger.iou_terms import Terms
from p2pchat.store import expenses, people
from p2pchat.store.transaction import Transaction

MAX_SUMS = 1000


@dataclass(frozen=True, slots=True)
class Sum:
    """What stands between `person` and me by the file."""

    person: people.Person
    amount: str
    i_owe: bool
    note: str


def enter(
    app: App, tx: Transaction, digest: bytes, sums: Sequence[Sum], *, again: bool
) -> list[tuple[people.Person, Written]]:
    """Sign what I owe, and ask for what I am owed.

    Raises:
        UsageError: the file with this `digest` was imported before (unless `again`), or is too large.
    """
    if len(sums) > MAX_SUMS:
        raise UsageError(f"this file holds more than {MAX_SUMS} sums")
    if not expenses.is_new_import(tx, digest) and not again:
        raise UsageError("this file was imported before: --again imports it once more")
    return [
        (
            one.person,
            (ledger.pay if one.i_owe else ledger.request)(
                app, tx, one.person, one.amount, Terms(note=one.note)
            ),
        )
        for one in sums
    ]
