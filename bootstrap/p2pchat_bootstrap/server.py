"""The running bootstrap node: from its settings to its last connection."""

from __future__ import annotations

import json
import logging
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Final

import trio
import typer

from p2pchat.config import Home, NetworkFile
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import P2PChatError
from p2pchat.files import write_atomically
from p2pchat.net.config import Limits, NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network
from p2pchat.net.relay.limits import RelayLimits
from p2pchat.node.mailbox.server import MailboxServer
from p2pchat_bootstrap.identity import load_identity
from p2pchat_bootstrap.mailbox import mailbox_limits, serve_mailbox
from p2pchat_bootstrap.metrics import serve_metrics
from p2pchat_bootstrap.process import allow_descriptors, configure_logs, tell_systemd
from p2pchat_bootstrap.settings import NodeLimits, Settings

logger = logging.getLogger("p2pchat.bootstrap")

_DRAIN_STEP_S: Final = 0.1


def serve(home: Home, settings: Settings, *, json_output: bool) -> None:
    """Run the node of `home` until SIGINT or SIGTERM.

    Raises:
        StoreError: the identity or the network file cannot be read or written.
        NetworkError: an endpoint cannot be listened on.
    """
    configure_logs(settings.log)
    allow_descriptors(settings.limits.connections)
    node = _Node(home, settings, load_identity(home.key_file))
    trio.run(partial(node.run, json_output=json_output))


class _Node:
    """One run of the node."""

    def __init__(self, home: Home, settings: Settings, key: SigningKey) -> None:
        self._home = home
        self._settings = settings
        self._key = key
        self._mailbox: MailboxServer | None = None
        self._stopping = False

    async def run(self, *, json_output: bool) -> None:
        psk = self._settings.pre_shared_key(self._home)
        failure: P2PChatError | None = None
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async with open_network(self._config(psk)) as network, trio.open_nursery() as nursery:
                try:
                    if self._settings.limits.mailbox_megabytes:
                        self._mailbox = await nursery.start(
                            serve_mailbox, self._home, self._key, network, self._settings
                        )
                    port = await self._start_metrics(network, nursery)
                    self._apply(network, self._settings.limits)
                    file = NetworkFile(self._settings.name, tuple(network.advertised()), psk)
                    write_atomically(self._home.network_file, file.to_toml().encode())
                    _announce(file, network.device, port, json_output=json_output)
                    tell_systemd("READY=1")
                    await self._obey(signals, network)
                except P2PChatError as error:  # carried past the nursery, which would wrap it in a group
                    failure = error
                nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
        logger.info("Stopped.")

    def _config(self, psk: str | None) -> NetworkConfig:
        return NetworkConfig(
            key=self._key,
            name=self._settings.name,
            listen=tuple(endpoint.multiaddr for endpoint in self._settings.listen),
            psk=bytes.fromhex(psk) if psk else None,
            limits=_limits(self._settings.limits),
            reach=Reach(
                public=True,
                relays=False,
                announce=self._settings.announce,
                rendezvous=False,
                rendezvous_for_others=self._settings.limits.records,
                relay_for_others=_relay_limits(self._settings.limits),
            ),
        )

    async def _start_metrics(self, network: Libp2pNetwork, nursery: trio.Nursery) -> int | None:
        endpoint = self._settings.metrics_endpoint()
        if endpoint is None:
            return None
        serve = partial(serve_metrics, *endpoint, network, self._mailbox, lambda: not self._stopping)
        port: int = await nursery.start(serve)
        return port

    async def _obey(self, signals: AsyncIterator[int], network: Libp2pNetwork) -> None:
        """Reload on SIGHUP; return once the node has stopped giving service."""
        async for received in signals:
            if received == signal.SIGHUP:
                self._reload(network)
                continue
            logger.info("Stopping on %s.", signal.Signals(received).name)
            self._stopping = True
            tell_systemd("STOPPING=1")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._drain, network, nursery.cancel_scope)
                async for again in signals:
                    if again != signal.SIGHUP:
                        logger.info("Stopping at once.")
                        nursery.cancel_scope.cancel()
            return

    def _reload(self, network: Libp2pNetwork) -> None:
        try:
            settings = Settings.read(self._home)
        except P2PChatError as error:
            logger.error("The old limits stay: %s", error)
            return
        if settings is None:
            logger.error("The old limits stay: the settings are gone.")
            return
        self._apply(network, settings.limits)
        logger.info("The limits were read again.")
        if replace(settings, limits=self._settings.limits) != self._settings:
            logger.warning("Settings other than the limits have changed: they need a restart.")

    def _apply(self, network: Libp2pNetwork, limits: NodeLimits) -> None:
        network.set_limits(_limits(limits))
        if network.services.relay is not None:
            network.services.relay.limits = _relay_limits(limits)
        if network.services.table is not None:
            network.services.table.shelf.limit = limits.records
        if network.services.point is not None:
            network.services.point.registry.limit = limits.records
        if self._mailbox is not None:
            self._mailbox.state.limits = mailbox_limits(limits, self._settings.mailbox_token)
        elif limits.mailbox_megabytes:
            logger.warning("The mailbox was off: it needs a restart to be offered.")

    async def _drain(self, network: Libp2pNetwork, drained: trio.CancelScope) -> None:
        """Take no new calls, and give those that are on some time to end."""
        relay = network.services.relay
        if relay is not None:
            relay.limits = replace(relay.limits, reservations=0, circuits=0)
            with trio.move_on_after(self._settings.drain_seconds):
                while relay.circuits.total:  # noqa: ASYNC110 -- seconds, once in a node's life
                    await trio.sleep(_DRAIN_STEP_S)
        drained.cancel()


def _limits(limits: NodeLimits) -> Limits:
    return Limits(connections=limits.connections, connections_per_range=limits.connections_per_range)


def _relay_limits(limits: NodeLimits) -> RelayLimits:
    return RelayLimits(
        reservations=limits.relay_reservations,
        circuits=limits.relay_circuits,
        circuits_per_device=limits.relay_circuits_per_device,
        circuit_s=60 * limits.relay_minutes,
        circuit_bytes=1_000_000 * limits.relay_megabytes,
        bytes_per_second=1000 * limits.relay_kilobytes_per_second,
    )


def _announce(file: NetworkFile, device: DeviceId, metrics_port: int | None, *, json_output: bool) -> None:
    if json_output:
        ready = {
            "event": "ready",
            "device": device.text,
            "network": file.name,
            "addresses": file.bootstrap,
            "link": file.to_link(),
            "metrics_port": metrics_port,
        }
        typer.echo(json.dumps(ready))
    else:
        typer.echo(f"Addresses: {' '.join(file.bootstrap)}")
        typer.echo(f"Network link: {file.to_link()}")
    logger.info("Bootstrap node %s of network %s is up.", device.short, file.name)
