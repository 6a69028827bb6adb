"""Mailboxes: nodes that keep messages for me while I am away."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features import mailboxes
from p2pchat.node.features.app import App
from p2pchat.node.profile import require_network
from p2pchat.store import mailboxes as rows
from p2pchat.store.transaction import Reader, Transaction


def mailbox_use(app: App, tx: Transaction, params: s.UseMailbox) -> s.Mailbox:
    """See the table."""
    address = params.address or next(iter(require_network(app.home).bootstrap), None)
    if address is None:
        raise UsageError("the network file names no bootstrap node: give the address of a mailbox")
    mailboxes.use(app, tx, address, params.token)
    return s.Mailbox(address=address)


def mailbox_list(app: App, tx: Reader, params: s.Nothing) -> s.Mailboxes:
    """See the table."""
    return s.Mailboxes(mailboxes=[s.Mailbox(address=address) for address in rows.named(tx)])


def mailbox_drop(app: App, tx: Transaction, params: s.DropMailbox) -> s.Done:
    """See the table."""
    found = [address for address in rows.named(tx) if address.endswith(params.address)]
    if len(found) != 1 or not params.address:
        raise NotFoundError(
            f"'{params.address}' is not the end of the address of one of your mailboxes: p2pchat mailbox list"
        )
    mailboxes.drop(app, tx, found[0])
    return s.Done()


QUERIES: Final[dict[str, Query]] = {"mailbox.list": mailbox_list}
CHANGES: Final[dict[str, Change]] = {"mailbox.use": mailbox_use, "mailbox.drop": mailbox_drop}
