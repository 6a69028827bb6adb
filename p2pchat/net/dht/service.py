"""A node's part in the table: asks others, answers others, keeps its own record where it is looked for."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.dht import messages
from p2pchat.net.dht.contact import Contact
from p2pchat.net.dht.lookup import Lookup
from p2pchat.net.dht.messages import Find, Found, Store
from p2pchat.net.dht.record import MAX_ADDRESSES, AddressRecord, Role, position
from p2pchat.net.dht.shelf import Shelf
from p2pchat.net.dht.table import BUCKET_SIZE, RoutingTable
from p2pchat.net.network import Network, Stream

logger = logging.getLogger(__name__)

QUERY_S: Final = 8.0  # one node, connecting included; the others are asked meanwhile
IDLE_S: Final = 30.0  # a peer that keeps a query stream open and says nothing
MAX_LINKS: Final = 8  # idle connections that the table keeps, for the next query is often to the same node
REPLICAS: Final = 8
"""Nodes that get our record: enough that some are left when the record is renewed."""
AGREEING: Final = 2
"""Answers with a record after which a search is content; the later record wins."""

RESIGN_MS: Final = 5 * 60 * 1000  # our record changes its date at most this often while nothing else changes

Description = Callable[[], tuple[Sequence[str], Role]]
"""Our own addresses (without /p2p/) and what we do for others, as they are now."""


Dial = Callable[[DeviceId, Iterable[str]], Awaitable[None]]


class Dht:
    """One device's view of the table.

    It answers queries from the moment it is made. `seeds` are nodes known beforehand (the bootstrap
    list); everyone else is learnt from answers and from those who ask. `dial` makes a connection
    without asking the table, which would go round in circles. Connections that were made for queries are
    ended when there are many idle ones, but not those to devices that are `needed` for something else.
    """

    def __init__(
        self,
        network: Network,
        key: SigningKey,
        *,
        describe: Description,
        clock_ms: Callable[[], int],
        dial: Dial,
        needed: Callable[[DeviceId], bool],
        seeds: Sequence[Contact] = (),
    ) -> None:
        self.shelf = Shelf(network.device)
        self.table = RoutingTable(network.device)
        self._network = network
        self._key = key
        self._describe = describe
        self._clock_ms = clock_ms
        self._dial = dial
        self._needed = needed
        self._links: dict[DeviceId, int] = {}  # queries under way on it; the longest unused comes first
        self._seeds = tuple(seeds)
        self._own: AddressRecord | None = None
        network.serve(messages.PROTOCOL, self._serve, frame_limit=messages.FRAME_LIMIT)

    def own_record(self) -> AddressRecord:
        """Where we are and what we do, signed anew when it changed or was signed too long ago."""
        addresses, roles = self._describe()
        now_ms = self._clock_ms()
        known = self._own
        if (
            known is None
            or (known.addresses, known.roles) != (tuple(addresses)[:MAX_ADDRESSES], roles)
            or not known.issued_ms <= now_ms < known.issued_ms + RESIGN_MS
        ):
            known = self._own = AddressRecord.sign(self._key, addresses, issued_ms=now_ms, roles=roles)
        return known

    async def find(self, device: DeviceId) -> AddressRecord | None:
        """The latest record of `device` that can be found now, or None."""
        key = position(device)
        records = [record] if (record := self.shelf.get(key, self._clock_ms())) else []

        def enough(found: Found) -> bool:
            for record in (found.record, found.answerer, *found.nearer):  # a node speaks for itself
                if record is not None and record.device == device and record.is_current(self._clock_ms()):
                    records.append(record)
            return len(records) >= AGREEING

        await self._search(key, enough)
        return max(records, key=lambda record: record.issued_ms, default=None)

    async def publish(self) -> int:
        """Leave our record with the nodes nearest to our position; how many kept it."""
        record = self.own_record()
        lookup = await self._search(position(record.device), lambda found: False)
        kept = 0

        async def store(contact: Contact) -> None:
            nonlocal kept
            frame = await self._ask(contact, messages.encode_request(Store(record)))
            kept += frame is not None and _was_kept(frame)

        async with trio.open_nursery() as nursery:
            for contact in lookup.found()[:REPLICAS]:
                nursery.start_soon(store, contact)
        return kept

    async def refresh(self) -> None:
        """Meet nodes in a random part of the table; those near us are met whenever our record is published.

        A table of less than a bucket has met everybody then.
        """
        self.shelf.expire(self._clock_ms())
        if len(self.table) >= BUCKET_SIZE:
            await self._search(secrets.token_bytes(32), lambda found: False)

    async def _search(self, key: bytes, enough: Callable[[Found], bool]) -> Lookup:
        known = [Contact.of(record) for record in self.table.closest(key)] or self._company()
        lookup = Lookup(key, self._network.device, [*known, *self._seeds])
        own = self.own_record()
        request = messages.encode_request(Find(key, own if Role.TABLE in own.roles else None))
        answers, results = trio.open_memory_channel[tuple[DeviceId, Found | None]](0)

        async def ask(contact: Contact) -> None:
            frame = await self._ask(contact, request)
            await answers.send((contact.device, self._found(contact.device, frame)))

        async with trio.open_nursery() as nursery:
            while True:
                while (contact := lookup.next()) is not None:
                    nursery.start_soon(ask, contact)
                if not lookup.pending:
                    break
                device, found = await results.receive()
                if found is None:
                    lookup.failed(device)
                    continue
                lookup.answered(device, map(Contact.of, found.nearer))
                if enough(found):
                    nursery.cancel_scope.cancel()
                    break
        return lookup

    def _company(self) -> list[Contact]:
        """Some connected devices: whom to ask when no node of the table is known, as with all seeds gone."""
        return [Contact(peer.peer, peer.addresses) for peer in self._network.state().peers[:MAX_LINKS]]

    async def _ask(self, contact: Contact, request: bytes) -> bytes | None:
        """The one frame that `contact` answers, or None: gone, silent, or closed without an answer."""
        if not self._network.is_connected(contact.device):
            await self._make_room()
            self._links.setdefault(contact.device, 0)
        linked = contact.device in self._links
        if linked:
            self._links[contact.device] += 1
        try:
            with trio.move_on_after(QUERY_S):
                await self._dial(contact.device, contact.addresses)
                stream = await self._network.open_stream(
                    contact.device, messages.PROTOCOL, frame_limit=messages.FRAME_LIMIT
                )
                try:
                    await stream.send([request])
                    frames = await stream.receive()
                finally:
                    await stream.close()
                if frames:
                    self.table.answered(contact.device)
                    return frames[0]
        except (NetworkError, ProtocolError) as error:
            logger.debug("%s did not answer: %s", contact.device.short, error)
        finally:
            if linked:
                self._links[contact.device] = self._links.pop(contact.device) - 1
        self.table.failed(contact.device)
        return None

    async def _make_room(self) -> None:
        """Before a connection is made for the table: end the longest unused ones if there are too many."""
        idle = [device for device, queries in self._links.items() if not queries]
        for device in idle[: max(0, len(idle) - MAX_LINKS + 1)]:
            del self._links[device]
            if not self._needed(device):
                await self._network.disconnect(device)

    def _found(self, device: DeviceId, frame: bytes | None) -> Found | None:
        if frame is None:
            return None
        try:
            found = messages.decode_found(frame)
            if found.answerer.device != device:
                raise ProtocolError("introduced itself as another device")
        except ProtocolError as error:
            logger.warning("Bad answer from %s: %s", device.short, error)
            self.table.remove(device)
            return None
        now_ms = self._clock_ms()
        if found.answerer.is_current(now_ms):
            self.table.add(found.answerer)
        nearer = tuple(record for record in found.nearer if record.is_current(now_ms))
        return Found(found.answerer, found.record, nearer)

    async def _serve(self, stream: Stream) -> None:
        answer = partial(self._answer, asker=stream.peer)
        with trio.move_on_after(IDLE_S) as idle:
            while frames := await stream.receive():
                await stream.send(map(answer, frames))
                idle.deadline = trio.current_time() + IDLE_S

    def _answer(self, frame: bytes, asker: DeviceId) -> bytes:
        request = messages.decode_request(frame)
        now_ms = self._clock_ms()
        if isinstance(request, Store):
            return messages.encode_kept(self.shelf.put(request.record, asker, now_ms))
        introduced = request.asker
        if introduced is not None and introduced.device == asker and introduced.is_current(now_ms):
            self.table.add(introduced)
        known = self.table.closest(request.key, messages.NEARER + 1)
        nearer = tuple(record for record in known if record.device != asker)[: messages.NEARER]
        found = Found(self.own_record(), self.shelf.get(request.key, now_ms), nearer)
        return messages.encode_found(found)


def _was_kept(frame: bytes) -> bool:
    try:
        return messages.decode_kept(frame)
    except ProtocolError:
        return False
