"""Can strangers dial us? Asks a few servers to try, now and then, and says where they succeeded."""

from __future__ import annotations

import ipaddress
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Final

import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError, ProtocolError
from p2pchat.net.nat.dialback import DialBack, Verdict
from p2pchat.net.network import Network, PeerConnected

logger = logging.getLogger(__name__)

SERVERS: Final = 3
"""Asked each time; one that reaches us is enough, for it has proved it by a handshake."""
CHECK_S: Final = (40 * 60.0, 60 * 60.0)  # a change of networks is noticed and asked about at once
_SETTLE_S: Final = 0.5
_RETRY_S: Final = 12.0  # servers serve a device every ten seconds


class Reachability(Enum):
    """Whether we can be dialled from outside."""

    UNKNOWN = "unknown"
    """Nobody was there to ask."""
    PUBLIC = "public"
    """Somebody dialled us."""
    PRIVATE = "private"
    """Nobody who tried could: a NAT or a firewall is in between."""


class ReachabilityWatch:
    """Keeps `state` and `external` up to date, and calls `changed` when they become something else.

    `servers` gives connected devices to ask, the most trusted first; `ports` are the TCP ports that
    we listen on.
    """

    def __init__(
        self,
        network: Network,
        dialback: DialBack,
        *,
        servers: Callable[[], Iterable[DeviceId]],
        ports: Callable[[], Sequence[int]],
        changed: Callable[[], None],
    ) -> None:
        self.state = Reachability.UNKNOWN
        self.external: tuple[str, ...] = ()
        """Where we were dialled, as /ip4|ip6/…/tcp/…; empty unless the state is PUBLIC."""
        self.seen_at: tuple[str, ...] = ()
        """Our IP addresses as others see them."""
        self._network = network
        self._dialback = dialback
        self._servers = servers
        self._ports = ports
        self._changed = changed
        self._wake = trio.Event()

    def predicted(self) -> list[str]:
        """Where a hole in our NAT is likely to be: NATs tend to keep the port that we dial from."""
        return [_multiaddr(address, port) for address in self.seen_at for port in self._ports()]

    def look_again(self) -> None:
        """Ask soon: something has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Ask until cancelled: soon after a server has connected, and then at long intervals."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            while True:
                self._wake = trio.Event()
                conclusive = await self.check()
                with trio.move_on_after(random.uniform(*CHECK_S) if conclusive else _RETRY_S) as waiting:
                    await self._wake.wait()
                if not waiting.cancelled_caught:
                    await trio.sleep(_SETTLE_S)

    async def check(self) -> bool:
        """Ask now; whether anybody gave a verdict (or there is nobody to ask)."""
        servers = list(self._servers())[:SERVERS]
        verdicts: list[Verdict] = []

        async def ask(server: DeviceId) -> None:
            try:
                verdicts.append(await self._dialback.ask(server, self._ports()))
            except (NetworkError, ProtocolError) as error:
                logger.debug("No verdict on our reachability: %s", error)

        async with trio.open_nursery() as nursery:
            for server in servers:
                nursery.start_soon(ask, server)
        if verdicts:
            self._conclude(verdicts)
        return bool(verdicts) or not servers

    def _conclude(self, verdicts: Sequence[Verdict]) -> None:
        external = tuple(
            dict.fromkeys(_multiaddr(verdict.address, port) for verdict in verdicts for port in verdict.ports)
        )
        state = Reachability.PUBLIC if external else Reachability.PRIVATE
        self.seen_at = tuple(dict.fromkeys(verdict.address for verdict in verdicts))
        if (state, external) != (self.state, self.external):
            logger.info("This node is %s.", "reachable" if external else "behind a NAT or firewall")
            self.state, self.external = state, external
            self._changed()

    async def _watch(self) -> None:
        """A new server may be there to ask while there is no verdict yet, or after a change of networks."""
        async for event in self._network.events():
            if isinstance(event, PeerConnected) and event.peer in set(self._servers()):
                self.look_again()


def _multiaddr(address: str, port: int) -> str:
    return f"/ip{ipaddress.ip_address(address).version}/{address}/tcp/{port}"
