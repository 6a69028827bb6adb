"""What makes a node findable and reachable, put together: table, rendezvous, LAN, relays, hole punching."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.net.config import NetworkConfig
from p2pchat.net.dht.contact import Contact
from p2pchat.net.dht.record import Role, position
from p2pchat.net.dht.service import Dht, Dial
from p2pchat.net.discovery import Discovery
from p2pchat.net.hosted import HostedNetwork
from p2pchat.net.lan import LanFinder, fingerprint
from p2pchat.net.nat.dialback import DialBack
from p2pchat.net.nat.holepunch import HolePuncher
from p2pchat.net.nat.portmap import keep_mapped
from p2pchat.net.nat.reachability import Reachability, ReachabilityWatch
from p2pchat.net.network import PeerConnected
from p2pchat.net.peers import parse_address, peer_id_of
from p2pchat.net.relay.client import RelayClient
from p2pchat.net.relay.hop import Relay
from p2pchat.net.relay.keeper import RelayKeeper
from p2pchat.net.rendezvous.client import Rendezvous
from p2pchat.net.rendezvous.point import RendezvousPoint
from p2pchat.net.rendezvous.wire import namespace_of

_ALWAYS_THERE: Final = ("/meshsub/", "/ipfs/id/")  # streams that say nothing of what a connection is for
_CALLS_WAITING: Final = 16  # relayed calls that wait for a hole to be punched; more stay on the relay


class Services:
    """The services of one network. They answer once made, and do their own part while `run` runs.

    `listening` gives our concrete addresses without /p2p/; `dial` makes a connection without
    searching for further addresses.
    """

    def __init__(
        self,
        network: HostedNetwork,
        config: NetworkConfig,
        *,
        listening: Callable[[], Sequence[str]],
        dial: Dial,
    ) -> None:
        self._network = network
        self._reach = config.reach
        self._listening = listening
        self._seeds = [
            Contact(device, (address,)) for device, address in map(parse_address, config.bootstrap)
        ]
        self._mapped: tuple[str, ...] = ()
        self._calls, self._called = trio.open_memory_channel[DeviceId](_CALLS_WAITING)
        self.table = (
            Dht(
                network,
                config.key,
                describe=self._describe,
                clock_ms=_clock_ms,
                dial=dial,
                needed=self._needed,
                seeds=self._seeds,
            )
            if self._reach.table
            else None
        )
        self.lan = (
            LanFinder(network.device, fingerprint(config.name, config.psk), listening)
            if self._reach.lan
            else None
        )
        own_namespace = partial(namespace_of, config.name, config.psk)
        rendezvous = (
            Rendezvous(
                network.host,
                points=self._connected_seeds,
                addresses=self.addresses,
                clock_ms=_clock_ms,
                namespace_of=own_namespace,
            )
            if self._reach.rendezvous
            else None
        )
        self.point = (
            RendezvousPoint(network.host, self._reach.rendezvous_for_others, own_namespace)
            if self._reach.rendezvous_for_others
            else None
        )
        self.discovery = Discovery(table=self.table, rendezvous=rendezvous, lan=self.lan)
        self.watch = ReachabilityWatch(
            network,
            DialBack(network),
            servers=self._servers,
            ports=self._ports,
            changed=self._reachability_changed,
        )
        self.relays = RelayClient(network.host, dial=dial, called=self._on_call)
        self.keeper = RelayKeeper(
            network, self.relays, dial=dial, candidates=self._relays, changed=self.discovery.announce
        )
        self.puncher = None if self._reach.hidden else HolePuncher(network, self._punchable)
        limits = self._reach.relay_for_others
        self.relay = Relay(network.host, limits, self._direct) if limits is not None else None

    @property
    def reachability(self) -> Reachability:
        """Whether others can dial us."""
        return Reachability.PUBLIC if self._reach.public else self.watch.state

    def addresses(self) -> list[str]:
        """Where others reach us now, without our /p2p/; the ways that are likely to work come first."""
        return list(dict.fromkeys([*self.keeper.addresses(), *self._direct()]))

    def look_again(self) -> None:
        """Our place in the network may have changed: find out whether we can be reached, and tell others."""
        self.watch.look_again()
        self.keeper.look_again()
        self.discovery.announce()

    async def run(self) -> None:
        """Search, publish, reserve and punch until cancelled; nothing here delays anybody's start."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.discovery.run)
            nursery.start_soon(self._watch_seeds)
            if self._reach.hidden:
                self.keeper.need(True)
            elif not self._reach.public:
                nursery.start_soon(self.watch.run)
            if self._reach.relays:
                nursery.start_soon(self.keeper.run)
                nursery.start_soon(self._punch, self.puncher)
            if self._reach.port_mapping:
                for port in self._ports()[:1]:
                    nursery.start_soon(keep_mapped, port, self._port_mapped)

    def _direct(self) -> list[str]:
        if self._reach.hidden:
            return []
        if self._reach.announce:
            return list(self._reach.announce)
        return list(dict.fromkeys([*self.watch.external, *self._mapped, *self._listening()]))

    def _punchable(self) -> list[str]:
        return list(dict.fromkeys([*self.watch.predicted(), *self._direct()]))

    def _describe(self) -> tuple[Sequence[str], Role]:
        roles = Role.NONE
        if self.reachability is Reachability.PUBLIC:
            roles |= Role.TABLE
            roles |= Role.RELAY if self.relay is not None else Role.NONE
        return self.addresses(), roles

    def _needed(self, device: DeviceId) -> bool:
        """Whether a connection is there for more than the table, and so is not the table's to end."""
        now = trio.current_time()
        connections = self._network.host.get_network().get_connections(peer_id_of(device))
        return (
            device in self._network.guard.protected
            or any(device == seed.device for seed in self._seeds)
            or device in self.keeper.relays()
            or (self.relay is not None and self.relay.reservations.holds(device, now))
            or any(connection.direction.name == "INBOUND" for connection in connections)  # theirs to end
            or any(
                not str(stream.get_protocol()).startswith(_ALWAYS_THERE)
                for connection in connections
                for stream in connection.get_streams()
            )
        )

    def _connected_seeds(self) -> Iterable[DeviceId]:
        return [seed.device for seed in self._seeds if self._network.is_connected(seed.device)]

    def _servers(self) -> Iterable[DeviceId]:
        """Connected devices that are there to serve: bootstrap nodes, then nodes of the table."""
        known = [contact.device for contact in self._seeds]
        if self.table is not None:
            known += [record.device for record in self.table.table.closest(position(self._network.device))]
        return [device for device in dict.fromkeys(known) if self._network.is_connected(device)]

    def _relays(self) -> Iterable[Contact]:
        yield from self._seeds
        if self.table is not None:
            for record in self.table.table.closest(position(self._network.device)):
                if Role.RELAY in record.roles:
                    yield Contact.of(record)

    def _ports(self) -> list[int]:
        """The TCP ports that we listen on, and those that the router passes on to us."""
        addresses = [address.split("/") for address in (*self._mapped, *self._listening())]
        return list(dict.fromkeys(int(parts[4]) for parts in addresses if parts[3] == "tcp"))

    def _reachability_changed(self) -> None:
        self.keeper.need(self.watch.state is Reachability.PRIVATE)
        self.discovery.announce()

    def _on_call(self, caller: DeviceId) -> None:
        try:
            self._calls.send_nowait(caller)
        except trio.WouldBlock:
            self._network.guard.drop("hole punching busy", caller.short)

    async def _punch(self, puncher: HolePuncher | None) -> None:
        async with trio.open_nursery() as nursery:
            async for caller in self._called:
                if puncher is not None:
                    nursery.start_soon(puncher.upgrade, caller)

    async def _watch_seeds(self) -> None:
        """A bootstrap node is there: what failed for want of one may work now."""
        seeds = {contact.device for contact in self._seeds}
        async for event in self._network.events():
            if isinstance(event, PeerConnected) and event.peer in seeds:
                self.discovery.announce()
                self.keeper.look_again()

    def _port_mapped(self, address: str | None) -> None:
        self._mapped = () if address is None else (address,)
        self.look_again()


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
