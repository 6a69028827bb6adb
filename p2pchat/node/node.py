"""The running node: its services under one nursery, and what follows each commit.

Network events and effects meet here and nowhere else: a connected device gets a courier and
reconciliation, an item in the outbox wakes the courier or hurries the dialling, a new entry goes to
the members, an event goes to the listeners.
"""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, TypeAlias

import trio

from p2pchat.core.ids import DeviceId, GroupId
from p2pchat.errors import InUseError, P2PChatError
from p2pchat.net.network import Network, NetworkChanged, NetworkEvent, PeerConnected
from p2pchat.node.address_book import StoredAddressBook
from p2pchat.node.courier import Couriers
from p2pchat.node.doorman import Doorman
from p2pchat.node.effects import (
    CirclesChanged,
    FilesWanted,
    GroupGrew,
    HoldingChanged,
    MailboxesChanged,
    Passing,
    Retry,
    Sealed,
    Wake,
)
from p2pchat.node.endure import alone, every
from p2pchat.node.features import maintenance
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import circles, passages
from p2pchat.node.features.people import contacts
from p2pchat.node.files.fetcher import Fetcher
from p2pchat.node.files.server import FileServer
from p2pchat.node.gossip import Gossip
from p2pchat.node.group_sync import GroupSync
from p2pchat.node.key_seeker import KEYS_S, KeySeeker
from p2pchat.node.links import Links
from p2pchat.node.listeners import Listeners
from p2pchat.node.mailbox.collector import Collector
from p2pchat.node.mailbox.depositor import Depositor
from p2pchat.node.mailbox.holder import Holder, OpenStorage
from p2pchat.node.storage import Storage
from p2pchat.node.typing_notices import TypingNotices
from p2pchat.store import people
from p2pchat.store.database import Database
from p2pchat.store.events import Event
from p2pchat.store.files import Forgotten
from p2pchat.store.transaction import Transaction
from p2pchat.store.writer import Along, StoreService

logger = logging.getLogger(__name__)

ADDRESSES_S: Final = 10.0  # how often own addresses are looked at
CLOCK_S: Final = 2.0  # how often messages are looked for that vanish, or are to be said, now
SETTLE_S: Final = 60.0  # so long an old ratchet state or an erased text may stay in the store's WAL
CIRCULATE_S: Final = 30.0  # how often circulations past their deadline are looked for
UPKEEP_S: Final = 3600.0  # rotating prekeys, forgetting what is too old

CarryOut: TypeAlias = Callable[[list[object]], None]


class Node:
    """One person's node; made by `running_node`."""

    def __init__(
        self,
        app: App,
        store: Storage,
        network: Network,
        book: StoredAddressBook,
        chances: random.Random,
        open_storage: OpenStorage,
    ) -> None:
        self.app = app
        self.store = store
        self.network = network
        self.links = Links(network, book.addresses, chances)
        self.listeners = Listeners()
        self._couriers = Couriers(app, store, network)
        self._group_sync = GroupSync(app, store, network, chances)
        self._gossip = Gossip(app, store, network)
        self._doorman = Doorman(app, store, network)
        self._depositor = Depositor(app, store, network, chances)
        self.collector = Collector(app, store, network, chances)
        self._holder = Holder(app, store, network, open_storage, self.collector.news)
        self._circles_changed = trio.Event()
        self._members: dict[GroupId, frozenset[DeviceId]] = {}  # the others of each group
        self._hints: dict[GroupId, list[bytes]] = {}
        self._hinted = trio.Event()
        self.exchanges = True  # whether contacts and members are told where we are
        self._noted: tuple[str, ...] | None = None
        self.typing = TypingNotices(app, store, network, self.listeners.tell)
        self._key_seeker = KeySeeker(app, store, network, chances)
        self._fetcher = Fetcher(app, store, network, chances, self.listeners.tell)
        FileServer(app, store, network)

    def carry_out(self, effects: list[object]) -> None:
        """What has to follow a commit; called in the trio thread, in commit order."""
        grown: dict[GroupId, list[bytes]] = {}
        only_pushed: dict[GroupId, bool] = {}
        sealed = {effect.device for effect in effects if isinstance(effect, Sealed)}
        for effect in effects:
            match effect:
                case Event() | Passing():
                    self.listeners.tell(effect)
                case Sealed(device, envelopes):
                    self._couriers.hand(device, envelopes)
                case Wake(device) | Retry(device):
                    again = isinstance(effect, Retry)
                    if again or device not in sealed:
                        self._couriers.wake(device, again=again)
                    if not self.network.is_connected(device):
                        self.links.hurry(device)
                        self._depositor.wake()
                case GroupGrew(group, mine, pushed):
                    grown.setdefault(group, []).extend(mine)
                    only_pushed[group] = only_pushed.get(group, True) and pushed
                case CirclesChanged():
                    self._circles_changed.set()
                    self.collector.changed()
                case FilesWanted():
                    self._fetcher.look()
                case Forgotten(ids):
                    self._fetcher.forget(ids)
                case HoldingChanged(megabytes):
                    self._holder.changed(megabytes)
                case MailboxesChanged():
                    self.collector.changed()
                case _:
                    raise AssertionError(f"nobody carries out {effect!r}")
        for grown_one, raw in grown.items():
            self._grew(grown_one, raw, only_pushed[grown_one])

    def go_along(self, tx: Transaction, effects: list[object]) -> None:
        """What is done in the transaction that had these effects; called in the store's thread."""
        self._couriers.seal_along(tx, {effect.device for effect in effects if isinstance(effect, Wake)})

    def _grew(self, group: GroupId, mine: list[bytes], only_pushed: bool) -> None:
        """Push new entries to connected members, and offer them to others as gossip."""
        self._group_sync.grew(group, mine, only_pushed=only_pushed)
        if mine and not self._group_sync.reaches(group, self._members.get(group, ())):
            self._hints.setdefault(group, []).extend(mine)
            self._hinted.set()

    async def connect(self, device: DeviceId) -> None:
        """Dial a device now. Raises NetworkError if it cannot be reached."""
        addresses = await self.store.read(lambda tx: people.addresses(tx, device))
        await self.network.connect(device, addresses)

    async def run(self) -> None:
        """Run all services until cancelled."""
        self._circles_changed.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.links.run)
            nursery.start_soon(self._gossip.run)
            nursery.start_soon(self._publish_hints)
            nursery.start_soon(every, 0, "Knocking at groups", self._doorman.look)
            nursery.start_soon(alone, "Leaving parcels at mailboxes", self._depositor.run)
            nursery.start_soon(alone, "Collecting from mailboxes", self.collector.run)
            nursery.start_soon(alone, "Keeping parcels for friends", self._holder.run)
            nursery.start_soon(alone, "Fetching files", self._fetcher.run)
            nursery.start_soon(every, 0, "Looking up contacts and groups", self._follow_circles)
            nursery.start_soon(every, ADDRESSES_S, "Noting own addresses", self._note_addresses)
            nursery.start_soon(every, UPKEEP_S, "Upkeep", self._upkeep)
            nursery.start_soon(every, SETTLE_S, "Settling the store", self._settle)
            nursery.start_soon(every, CIRCULATE_S, "Ending circulations", self._circulate)
            nursery.start_soon(every, CLOCK_S, "Doing what is due", self._keep_time)
            nursery.start_soon(every, KEYS_S, "Asking for sender keys", self._key_seeker.look)
            async for event in self.network.events():
                self._on_network(event, nursery)

    def _on_network(self, event: NetworkEvent, nursery: trio.Nursery) -> None:
        if isinstance(event, NetworkChanged):
            self.links.start_anew()
            return
        if isinstance(event, PeerConnected):
            logger.info("Connected with %s.", event.peer.short)
            self.collector.connected(event.peer)
            self._fetcher.connected()
            for accompany in (
                self._couriers.accompany,
                self._group_sync.accompany,
                self._depositor.connected,
                self._holder.accompany,
            ):
                nursery.start_soon(alone, f"Accompanying {event.peer.short}", partial(accompany, event.peer))
        else:
            logger.info("Lost the connection with %s.", event.peer.short)
            self._couriers.lost(event.peer)
            self._group_sync.lost()
            self._depositor.wake()
        self.links.hurry(event.peer)
        self._doorman.ring()

    async def _publish_hints(self) -> None:
        while True:
            await self._hinted.wait()
            self._hinted = trio.Event()
            hints, self._hints = self._hints, {}
            for group, raw in hints.items():
                try:
                    await self._gossip.publish(group, raw)
                except P2PChatError as error:
                    logger.warning("Gossip of a group failed: %s.", error)

    async def _follow_circles(self) -> None:
        with trio.move_on_after(circles.ROTATE_S):
            await self._circles_changed.wait()
        self._circles_changed = trio.Event()
        wanted, joined, self._members = await self.store.read(
            lambda tx: (
                circles.wanted_devices(self.app, tx),
                circles.joined_groups(tx),
                circles.fellow_devices(self.app, tx),
            )
        )
        self.links.want(wanted)
        self._gossip.set_groups(joined)
        self._group_sync.circles_changed()
        self._doorman.ring()

    async def _note_addresses(self) -> None:
        """Tell the contacts when this node can be reached elsewhere than before."""
        addresses = own_addresses(self.network) if self.exchanges else ()

        def note(tx: Transaction) -> None:
            if self.app.set_addresses(tx, addresses):
                contacts.announce_card(self.app, tx)

        if (addresses or not self.exchanges) and addresses != self._noted:
            await self.store.run(note)
            self._noted = addresses

    async def _keep_time(self) -> None:
        if await self.store.read(lambda tx: maintenance.is_time(self.app, tx)):
            await self.store.run(lambda tx: maintenance.keep_time(self.app, tx))

    async def _circulate(self) -> None:
        if await self.store.read(lambda tx: passages.overdue(self.app, tx)):
            await self.store.run(lambda tx: maintenance.circulate(self.app, tx))

    async def _upkeep(self) -> None:
        await self.store.run(lambda tx: maintenance.upkeep(self.app, tx))

    async def _settle(self) -> None:
        with suppress(InUseError):  # a reader, such as a backup, was in the way: the next time will do
            await self.store.settle()


def _no_effects(effects: list[object]) -> None:
    assert not effects


def own_addresses(network: Network) -> tuple[str, ...]:
    """Where this node can be dialled, without its own name at the end."""
    return tuple(address.rpartition("/p2p/")[0] for address in network.state().listening)


@asynccontextmanager
async def running_node(
    app: App,
    database: Database,
    network: Network,
    book: StoredAddressBook,
    *,
    open_storage: Callable[[Database, CarryOut, Along | None], Storage] = StoreService,
    chances: random.Random | None = None,
    exchanges: bool = True,
) -> AsyncIterator[Node]:
    """A node at work on `network` while the context is open.

    `open_storage` says how its tasks reach `database`, `chances` is what jitter is drawn from. With
    `exchanges`, contacts and fellow members are told where the node is.
    """
    nodes: list[Node] = []
    store = open_storage(
        database,
        lambda effects: nodes[0].carry_out(effects),
        lambda tx, effects: nodes[0].go_along(tx, effects),
    )
    node = Node(
        app,
        store,
        network,
        book,
        chances or random.Random(),
        lambda held: open_storage(held, _no_effects, None),
    )
    node.exchanges = exchanges
    nodes.append(node)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.run)
        nursery.start_soon(every, 0, "Noting addresses of others", partial(book.keep, store))
        yield node
        nursery.cancel_scope.cancel()
