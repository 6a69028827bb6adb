"""Mailboxes: nodes that keep messages for me while I am away."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.mailbox import mailboxes
from p2pchat.node.profile import require_network
from p2pchat.store import mailboxes as rows
from p2pchat.store.transaction import Reader, Transaction


def mailbox_use(app: App, tx: Transaction, params: s.UseMailbox) -> s.Mailbox:
    """See the table."""
    where = params.where or next(iter(require_network(app.home).bootstrap), None)
    if where is None:
        raise UsageError("the network file names no bootstrap node: give the address of a mailbox")
    return _mailbox(app, tx, mailboxes.use(app, tx, where, params.token))


def mailbox_list(app: App, tx: Reader, params: s.Nothing) -> s.Mailboxes:
    """See the table."""
    return s.Mailboxes(mailboxes=[_mailbox(app, tx, address) for address in rows.named(tx)])


def mailbox_drop(app: App, tx: Transaction, params: s.DropMailbox) -> s.Done:
    """See the table."""
    named = [_mailbox(app, tx, address) for address in rows.named(tx)]
    found = [one for one in named if params.where == one.name or one.address.endswith(params.where)]
    if len(found) != 1 or not params.where:
        raise NotFoundError(f"'{params.where}' is not one of your mailboxes: see p2pchat mailbox list")
    mailboxes.drop(app, tx, found[0].address)
    return s.Done()


def _mailbox(app: App, tx: Reader, address: str) -> s.Mailbox:
    return s.Mailbox(address=address, name=mailboxes.name_of_holder(app, tx, address))


QUERIES: Final[dict[str, Query]] = {"mailbox.list": mailbox_list}
CHANGES: Final[dict[str, Change]] = {"mailbox.use": mailbox_use, "mailbox.drop": mailbox_drop}
