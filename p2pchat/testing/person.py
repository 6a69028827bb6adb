"""One person of a simulated world: a home, a clock that may be wrong, and a node that can be killed."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import trio

from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES, QUERIES
from p2pchat.config import Home
from p2pchat.core.ids import DeviceId, PersonId
from p2pchat.node.address_book import StoredAddressBook
from p2pchat.node.features.app import App
from p2pchat.node.node import Node, running_node
from p2pchat.store.transaction import Reader
from p2pchat.testing.host import SimHost
from p2pchat.testing.net import SimNet
from p2pchat.testing.storage import Fuse, InlineStorage
from p2pchat.testing.stores import KEY, LIVES, HandedOn, OneConnection, OwnFile, Tables, newborn

if TYPE_CHECKING:
    from trio_typing import TaskStatus

P = ParamSpec("P")
T = TypeVar("T")


class Person:
    """A person on one device. Methods of the local API work whether the node runs or not, as for real."""

    def __init__(
        self,
        name: str,
        directory: Path,
        net: SimNet,
        clock_ms: Callable[[], int],
        chances: random.Random,
        *,
        has_file: bool = True,
        kept: Tables | None = None,
    ) -> None:
        self.name = name
        self.skew_ms = 0
        self.node: Node | None = None
        self.fuse: Fuse | None = None
        self._net = net
        self._clock_ms = clock_ms
        self._chances = chances
        self._ended = trio.Event()
        self._home = Home(directory)
        self._home.create()
        self._home.network_file.write_text('name = "sim"\n')
        life = chances.randrange(LIVES)
        self._store = OwnFile(self._home, name, life) if has_file else HandedOn(kept or newborn(name, life))
        self._app: App | None = None

    @property
    def database(self) -> OneConnection:
        """The store."""
        return self._store.database

    @property
    def app(self) -> App:
        """What the methods of the local API work with; loaded anew after a power cut."""
        if self._app is None:
            self._app = self.look(App.load, self._home, self._now_ms, self._chances.randbytes)
        return self._app

    @app.setter
    def app(self, app: App) -> None:
        self._app = app

    @property
    def id(self) -> PersonId:
        """The person."""
        return self.app.person

    @property
    def device(self) -> DeviceId:
        """The device."""
        return self.app.device

    @property
    def is_up(self) -> bool:
        """Whether the node runs."""
        return self.node is not None

    def query(self, method: str, params: s.Params | None = None) -> Any:
        """What a reading method of the local API answers."""
        app = self.app
        return self.database.read(lambda tx: QUERIES[method](app, tx, params or s.Nothing()))

    def look(self, query: Callable[Concatenate[Reader, P], T], *args: P.args, **named: P.kwargs) -> T:
        """What a query finds in the store."""
        return self.database.read(lambda tx: query(tx, *args, **named))

    async def change(self, method: str, params: s.Params | None = None) -> Any:
        """What a changing method of the local API answers. Raises what the method raises."""
        app = self.app
        if self.node is not None:
            return await self.node.store.run(lambda tx: CHANGES[method](app, tx, params or s.Nothing()))
        await trio.lowlevel.checkpoint()
        return self.database.transact(lambda tx: CHANGES[method](app, tx, params or s.Nothing())).result

    async def run(self, address: str, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the node until its power goes."""
        assert not self.is_up
        book = StoredAddressBook(self.database, self._now_ms)
        host = SimHost(self._net, self.device, address, book)
        self.fuse = fuse = Fuse(lambda: self._net.detach(host))
        self._ended = trio.Event()
        storage = partial(InlineStorage, fuse=fuse, chances=self._chances, disk_s=self._net.conditions.disk_s)
        try:
            with fuse.scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(host.run)
                    async with running_node(
                        self.app, self.database, host, book, open_storage=storage, chances=self._chances
                    ) as node:
                        self._net.attach(host)
                        self.node = node
                        task_status.started()
                        await trio.sleep_forever()
        finally:
            self.node = None
            self._net.detach(host)
            self.reopen()
            self._ended.set()

    async def kill(self) -> None:
        """Cut the power: what is not on the disk is lost, and nobody is told. No-op if the node is down."""
        if self.fuse is not None:
            self.fuse.blow()
        await self.ended()

    async def ended(self) -> None:
        """Wait until the node is down."""
        if self.is_up:
            await self._ended.wait()

    def reopen(self) -> None:
        """Forget all that is not in the store."""
        self._app = None
        self._store.cut_power()

    def leave(self) -> None:
        """The world is over."""
        self._store.leave()

    def copy_store(self) -> bytes:
        """A copy of the store as it is; the node must be down."""
        assert not self.is_up
        return self._store.copy()

    def put_store(self, copy: bytes) -> None:
        """Go back to a copy of the store, as who restores an old backup does; the node must be down."""
        assert not self.is_up
        self._store.put(copy)
        self.reopen()

    def __repr__(self) -> str:
        return self.name

    @property
    def key(self) -> bytes:
        """What the store is encrypted under."""
        return KEY

    def _now_ms(self) -> int:
        return max(self._clock_ms() + self.skew_ms, 0)
