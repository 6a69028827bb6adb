"""Saying which ledger entries I hold, so that a contact who was restored knows what he still lacks."""

from __future__ import annotations

from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item
from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger import holdings
from p2pchat.core.ledger.units import Unit
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts
from p2pchat.store import ledger
from p2pchat.store.transaction import Reader


def item(app: App, tx: Reader, person: PersonId) -> Item:
    """The heads of all my accounts with `person`, to be sent behind the entries themselves."""
    rows: list[tuple[Unit, tuple[LedgerEntryId, ...]]] = []
    for stored in ledger.accounts(tx, person):
        with accounts.known(app, tx, stored) as state:
            rows.append((state.account.unit, tuple(head.id for head in state.heads())))
    return Item(items.LEDGER_HEADS, holdings.encode(tuple(rows)))
