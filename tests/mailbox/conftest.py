"""A mailbox behind a real host on loopback, with its file on disk, and people who come to it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.core.mailbox import frames as f
from p2pchat.core.mailbox import tags
from p2pchat.core.mailbox.limits import MailboxLimits
from p2pchat.core.mailbox.sealing import MailboxSecret, Parcel
from p2pchat.net import protocols
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.node.mailbox.client import MailboxClient, at_mailbox
from p2pchat.node.mailbox.server import MailboxServer
from p2pchat.store.holding.files import open_holding
from p2pchat.store.writer import StoreService

NOON_MS = 20_000 * tags.DAY_MS + 12 * tags.HOUR_MS
LIMITS = MailboxLimits(box_bits=4, stranger_bits=8)


@dataclass
class World:
    """One mailbox and one device that goes to it; `now_ms` is the mailbox's clock."""

    server: MailboxServer
    mailbox: Libp2pNetwork
    guest: Libp2pNetwork
    now_ms: int = NOON_MS
    path: Path = Path()
    database: Any = None

    def at(self) -> Any:
        """A new conversation."""
        return at_mailbox(self.guest, self.mailbox.advertised()[0])

    def today(self) -> int:
        return tags.day_of(self.now_ms)

    def hour(self, days: int = 7) -> int:
        return self.now_ms // tags.HOUR_MS + 24 * days


@dataclass
class Owner:
    """Somebody with a box, and one contact who may leave something in it."""

    world: World
    box: SigningKey = field(default_factory=lambda: SigningKey(os.urandom(32)))
    secret: MailboxSecret = field(default_factory=lambda: MailboxSecret(os.urandom(32)))
    contact: MailboxSecret = field(default_factory=lambda: MailboxSecret(os.urandom(32)))
    device: DeviceId = field(default_factory=lambda: DeviceId(os.urandom(32)))

    def pass_on(self, day: int) -> bytes:
        """What the contact shows on a day."""
        pair = tags.pair_secret(self.contact, self.secret.public)
        return tags.deposit_pass(pair, self.device, self.world.mailbox.device, day)

    async def visit(self, client: MailboxClient, token: str = "") -> f.Box:
        return await client.visit(self.box, self.world.today(), token)

    async def admit(self, client: MailboxClient, *, ahead: int = tags.AHEAD) -> None:
        """Let the contact in today and for some days that come."""
        today = self.world.today()
        await client.admit(
            [f.Admit(day, (tags.tag_of(self.pass_on(day)),)) for day in range(today - 1, today + ahead + 1)]
        )

    def parcel(self, text: bytes = b"hello") -> bytes:
        return Parcel(b"certificate", text, True).seal(self.secret.public)

    def deposit(self, parcel: bytes | None = None, *, days: int = 7, day: int | None = None) -> f.Deposit:
        shown = self.pass_on(self.world.today() if day is None else day)
        return f.Deposit(shown, self.world.hour(days), parcel or self.parcel())


@asynccontextmanager
async def open_world(path: Path, limits: MailboxLimits) -> AsyncIterator[World]:
    """A mailbox whose file is at `path`."""

    def config() -> NetworkConfig:
        reach = Reach(table=False, relays=False)
        key = SigningKey(os.urandom(32))
        return NetworkConfig(key=key, name="test", listen=("/ip4/127.0.0.1/tcp/0",), reach=reach)

    async with AsyncExitStack() as stack:
        database = stack.enter_context(open_holding(path, b"k" * 32))
        mailbox = await stack.enter_async_context(open_network(config()))
        guest = await stack.enter_async_context(open_network(config()))
        world: World
        server = MailboxServer(
            StoreService(database, lambda effects: None),
            mailbox.device,
            limits,
            now_ms=lambda: world.now_ms,
            entropy=os.urandom,
            range_of=mailbox.range_of,
        )
        world = World(server, mailbox, guest, path=path, database=database)
        nursery = await stack.enter_async_context(trio.open_nursery())
        await nursery.start(server.run)
        mailbox.serve(protocols.MAILBOX, server.serve, frame_limit=protocols.MAILBOX_FRAME_LIMIT)
        try:
            with trio.fail_after(30):
                yield world
        finally:
            nursery.cancel_scope.cancel()


@pytest.fixture
def new_world(tmp_path: Path) -> Callable[..., Any]:
    """Opens a mailbox in the test's directory, the same again if it was there before."""
    return lambda limits=LIMITS: open_world(tmp_path / "mailbox.db", limits)


@pytest.fixture
async def world(new_world: Callable[..., Any]) -> AsyncIterator[World]:
    async with new_world() as opened:
        yield opened


new_owner = pytest.fixture(lambda: Owner)
