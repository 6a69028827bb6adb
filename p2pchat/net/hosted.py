"""A network that runs on a libp2p host: what the other modules of `net` need beyond `Network`."""

from __future__ import annotations

from typing import Any, Protocol

from p2pchat.net.guard import Guard
from p2pchat.net.network import Network


class HostedNetwork(Network, Protocol):
    """`Network` with its libp2p host."""

    @property
    def host(self) -> Any:
        """The libp2p host."""
        ...

    @property
    def guard(self) -> Guard:
        """Who is let in, and the counters."""
        ...
