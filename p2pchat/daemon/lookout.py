"""What the running node sees of the network, and why somebody is not reached."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.core.ids import DeviceId
from p2pchat.daemon.ways import unused_ways, used_proxy
from p2pchat.errors import NetworkError, NotFoundError
from p2pchat.net.network import Absence, PeerStatus
from p2pchat.node.features.people.names import find_person
from p2pchat.node.node import Node
from p2pchat.store import people
from p2pchat.store.transaction import Reader

_MOST_TRIES: Final = 16  # addresses of one device


class Lookout:
    """The methods of the API that are about peers."""

    def __init__(self, node: Node, bootstrap: frozenset[str]) -> None:
        self._node = node
        self._bootstrap = bootstrap  # peer ids

    async def net(self, params: s.Nothing) -> s.NetworkReport:
        """Addresses, peers, who is missing and why."""
        state = self._node.network.state()
        seeds = {one.device: one for one in state.absent}
        absences = [
            *(one for one in self._node.links.absences() if one.device not in seeds),
            *seeds.values(),
        ]
        devices = {peer.peer for peer in state.peers} | {absence.device for absence in absences}
        owners, without, proxy = await self._node.store.read(
            lambda tx: (_owners(tx, devices), unused_ways(tx), used_proxy(tx))
        )
        return s.NetworkReport(
            listening=list(state.listening),
            peers=[self._peer(peer, owners.get(peer.peer)) for peer in state.peers],
            counters=state.counters,
            reachability=state.reachability,
            relays=[relay.text for relay in state.relays],
            absent=sorted(
                (_absent(one, owners.get(one.device), bootstrap=one.device in seeds) for one in absences),
                key=lambda one: (not one.bootstrap, not one.contact, one.name or "", one.device),
            ),
            without=sorted(without),
            proxy=proxy,
        )

    def _peer(self, peer: PeerStatus, owner: people.Person | None) -> s.Peer:
        from p2pchat.net.peers import peer_id_of

        return s.Peer(
            device=peer.peer.text,
            name=owner.petname if owner else None,
            addresses=list(peer.addresses),
            direction=peer.direction,
            bootstrap=(peer_id := str(peer_id_of(peer.peer))) in self._bootstrap,
            peer_id=peer_id,
        )

    async def ping(self, params: s.Who) -> s.PingResult:
        """Round trip to a connected contact. Raises NetworkError if he is not."""
        for device in await self._devices(params.who):
            if self._node.network.is_connected(device):
                return s.PingResult(ms=1000 * await self._node.network.ping(device))
        raise NetworkError(f"{params.who} is not connected")

    async def connect(self, params: s.Who) -> s.Done:
        """Dial a contact now. Raises NetworkError that says why he is not reached."""
        reasons = []
        for device in await self._devices(params.who):
            try:
                await self._node.connect(device)
            except NetworkError as error:
                reasons.append(str(error))
            else:
                return s.Done()
        raise NetworkError(f"{params.who} cannot be reached: {'; '.join(reasons)}")

    async def trace(self, params: s.Who) -> s.Trace:
        """Try every address of a contact by itself, and look for others."""
        store = self._node.store
        person = await store.read(lambda tx: find_person(tx, params.who))
        devices = await self._devices(params.who)
        return s.Trace(name=person.petname, devices=[await self._trace(device) for device in devices])

    async def _trace(self, device: DeviceId) -> s.TracedDevice:
        network, store = self._node.network, self._node.store
        traced = s.TracedDevice(device=device.text, connected=network.is_connected(device))
        if traced.connected:
            traced.path = [
                path for peer in network.state().peers if peer.peer == device for path in peer.addresses
            ]
            traced.ms = 1000 * await network.ping(device)
            return traced
        known = await store.read(lambda tx: people.known_addresses(tx, device))
        for one in known[:_MOST_TRIES]:
            reason = await network.probe(device, one.address)
            traced.tries.append(
                s.TracedAddress(
                    address=one.address, reason=reason, worked_ms=one.worked_ms, failed_ms=one.failed_ms
                )
            )
        for address in await network.search(device):
            if address not in {one.address for one in known}:
                reason = await network.probe(device, address)
                traced.tries.append(s.TracedAddress(address=address, reason=reason, found=True))
        traced.connected = network.is_connected(device)
        absent = [one for one in self._node.links.absences() if one.device == device]
        traced.retry_s = absent[0].retry_s if absent else None
        if not traced.connected:
            self._node.links.hurry(device)
        return traced

    async def _devices(self, who: str) -> list[DeviceId]:
        devices = await self._node.store.read(
            lambda tx: [device.id for device in people.devices(tx, find_person(tx, who).id)]
        )
        if not devices:
            raise NotFoundError(f"no device of {who} is known")
        return devices


def _owners(tx: Reader, devices: set[DeviceId]) -> dict[DeviceId, people.Person]:
    """Whose the devices are, as far as we know."""
    known = {id: people.device(tx, id) for id in devices}
    persons = {id: people.person(tx, device.person) for id, device in known.items() if device}
    return {id: person for id, person in persons.items() if person}


def _absent(absence: Absence, owner: people.Person | None, *, bootstrap: bool) -> s.Absent:
    return s.Absent(
        device=absence.device.text,
        name=owner.petname if owner else None,
        contact=owner is not None and owner.state == "accepted",
        bootstrap=bootstrap,
        reason=absence.reason,
        retry_s=absence.retry_s,
    )
