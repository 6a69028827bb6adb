"""Messages that are carried by hand between people who cannot connect."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.core.mailbox.carried import Carried
from p2pchat.node.features.app import App
from p2pchat.node.features.mailbox import carried
from p2pchat.node.features.people.names import find_chat
from p2pchat.store import groups
from p2pchat.store.transaction import Transaction


def bundle_export(app: App, tx: Transaction, params: s.ExportBundle) -> s.Bundle:
    """See the table; what is sealed here is stored before anybody sees it."""
    chat = find_chat(tx, params.chat)
    if isinstance(chat, groups.Membership):
        packed = carried.for_group(app, tx, chat)
    else:
        packed = carried.for_person(app, tx, chat)
    return s.Bundle(
        parcels=list(packed.carried.parcels),
        veiled=list(packed.carried.veiled),
        entries=packed.entries,
        left=packed.left,
    )


def bundle_import(app: App, tx: Transaction, params: s.ImportBundle) -> s.BundleTaken:
    """See the table."""
    taken = carried.unpack(app, tx, Carried(tuple(params.parcels), tuple(params.veiled)))
    return s.BundleTaken(parcels=taken.parcels, entries=taken.entries, others=taken.others)


QUERIES: Final[dict[str, Query]] = {}
CHANGES: Final[dict[str, Change]] = {"bundle.export": bundle_export, "bundle.import": bundle_import}
