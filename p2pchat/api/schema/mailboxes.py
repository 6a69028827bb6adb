"""Mailboxes: nodes that keep messages for me while I am away."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class UseMailbox(Params):
    """Let contacts leave messages for me at a node, or with one of them."""

    where: str | None = None  # /ip4/…/tcp/…/p2p/… or a contact; else the first bootstrap node of my network
    token: str = ""  # what the node's operator gave me, if he asks for it


class DropMailbox(Params):
    """Use a mailbox no longer."""

    where: str  # its address, the end of it, or the contact


class Mailbox(Result):
    """A mailbox of mine."""

    address: str  # a multiaddr, or the id of a contact's device
    name: str = ""  # as `msg show` calls it
    state: str = ""  # "ready", or why it is not; "" while no node runs
    messages: int = 0  # parcels that wait there
    bytes: int = 0
    limit_bytes: int = 0  # for what contacts leave
    stranger_bytes: int = 0  # left by people whom the mailbox was not told about
    stranger_limit_bytes: int = 0


class Mailboxes(Result):
    """My mailboxes, in the order in which my card names them."""

    mailboxes: list[Mailbox]


METHODS: Final[dict[str, Method]] = {
    "mailbox.use": Method(UseMailbox, Mailbox, "store", "Let contacts leave messages for me at a node"),
    "mailbox.list": Method(Nothing, Mailboxes, "store", "My mailboxes"),
    "mailbox.usage": Method(Nothing, Mailboxes, "network", "How full my mailboxes are"),
    "mailbox.drop": Method(DropMailbox, Done, "store", "Use a mailbox no longer"),
}
