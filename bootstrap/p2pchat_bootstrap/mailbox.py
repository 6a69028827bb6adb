"""The node's mailbox: parcels for people who are away, in a file beside the settings or in PostgreSQL."""

from __future__ import annotations

import os
import time
from typing import Any, Final

import trio

from p2pchat.config import Home
from p2pchat.core.keys import SigningKey, tagged_hash
from p2pchat.core.mailbox.limits import MailboxLimits
from p2pchat.net import protocols
from p2pchat.net.libp2p_network import Libp2pNetwork
from p2pchat.node.mailbox.server import WAIT_S, MailboxServer
from p2pchat.store.database import Database
from p2pchat.store.holding.files import open_holding
from p2pchat.store.holding.postgres import PostgresHolding
from p2pchat.store.writer import GroupCommit
from p2pchat_bootstrap.settings import NodeLimits, Settings

FILE_NAME: Final = "mailbox.db"
_LOOK_S: Final = 5.0  # how often a box is looked at for what other nodes put into it


async def serve_mailbox(
    home: Home,
    key: SigningKey,
    network: Libp2pNetwork,
    settings: Settings,
    *,
    task_status: Any = trio.TASK_STATUS_IGNORED,
) -> None:
    """Keep parcels until cancelled; starts with the server.

    Raises:
        StoreError: the database cannot be made, does not open, or is damaged.
        UsageError: it is PostgreSQL, and psycopg is not installed.
    """
    with _open(home, key, settings.mailbox_database) as database:
        server = MailboxServer(
            GroupCommit(database, lambda effects: None),
            network.device,
            mailbox_limits(settings.limits, settings.mailbox_token),
            now_ms=lambda: time.time_ns() // 1_000_000,
            entropy=os.urandom,
            range_of=network.range_of,
            look_s=_LOOK_S if settings.mailbox_database else WAIT_S,
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            network.serve(protocols.MAILBOX, server.serve, frame_limit=protocols.MAILBOX_FRAME_LIMIT)
            task_status.started(server)


def _open(home: Home, key: SigningKey, url: str) -> Database | PostgresHolding:
    # The file opens with the node's key alone: parcels are sealed anyway, but who has how many is not.
    if url:
        return PostgresHolding(url)
    return open_holding(home.directory / FILE_NAME, tagged_hash("mailbox file", key.seed))


def mailbox_limits(limits: NodeLimits, token: str) -> MailboxLimits:
    """What the operator set, in bytes."""
    return MailboxLimits(
        size=1_000_000 * limits.mailbox_megabytes,
        boxes=limits.mailboxes if limits.mailbox_megabytes else 0,
        box_size=1_000_000 * limits.mailbox_megabytes_each,
        stranger_size=1000 * limits.mailbox_kilobytes_strangers,
        days=limits.mailbox_days,
        token=token,
        deposits_per_second=limits.mailbox_deposits_per_second,
    )
