"""The running bootstrap node: identity, listening sockets, what it prints, and its end."""

from __future__ import annotations

import json
import logging
import secrets
import signal
from functools import partial
from pathlib import Path

import trio
import typer

from p2pchat import logs
from p2pchat.config import Home, NetworkFile, write_private
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SEED_SIZE, SigningKey
from p2pchat.errors import StoreError
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import open_network
from p2pchat.net.relay.limits import RelayLimits
from p2pchat_bootstrap.settings import Settings

logger = logging.getLogger("p2pchat.bootstrap")


def serve(home: Home, settings: Settings, *, json_output: bool) -> None:
    """Run the node of `home` until SIGINT or SIGTERM.

    Raises:
        StoreError: the identity or the network file cannot be read or written.
        NetworkError: an endpoint cannot be listened on.
    """
    logs.configure()
    key = load_identity(home.key_file)
    trio.run(partial(_run, home, settings, key, json_output=json_output))


def load_identity(path: Path) -> SigningKey:
    """The node's key in the file at `path`, which is made if it is not there.

    Raises:
        StoreError: the file cannot be read or written, or holds something else.
    """
    try:
        seed = path.read_bytes()
    except FileNotFoundError:
        seed = secrets.token_bytes(SEED_SIZE)
        write_private(path, seed)
    except OSError as error:
        raise StoreError(f"The identity {path} cannot be read: {error.strerror}.") from error
    if len(seed) != SEED_SIZE:
        raise StoreError(f"{path} is not the identity of a bootstrap node: it should have {SEED_SIZE} bytes.")
    return SigningKey(seed)


async def _run(home: Home, settings: Settings, key: SigningKey, *, json_output: bool) -> None:
    psk = settings.pre_shared_key(home)
    config = NetworkConfig(
        key=key,
        name=settings.name,
        listen=tuple(endpoint.multiaddr for endpoint in settings.listen),
        psk=bytes.fromhex(psk) if psk else None,
        reach=Reach(public=True, relays=False, announce=settings.announce, relay_for_others=RelayLimits()),
    )
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_network(config) as network:
            device = DeviceId(key.public)
            addresses = network.advertised()
            file = NetworkFile(settings.name, tuple(addresses), psk)
            write_private(home.network_file, file.to_toml().encode())
            _announce(file, device, json_output=json_output)
            async for received in signals:
                logger.info("Stopping on %s.", signal.Signals(received).name)
                break
    logger.info("Stopped.")


def _announce(file: NetworkFile, device: DeviceId, *, json_output: bool) -> None:
    if json_output:
        ready = {
            "event": "ready",
            "device": device.text,
            "network": file.name,
            "addresses": file.bootstrap,
            "link": file.to_link(),
        }
        typer.echo(json.dumps(ready))
    else:
        typer.echo(f"Addresses: {' '.join(file.bootstrap)}")
        typer.echo(f"Network link: {file.to_link()}")
    logger.info("Bootstrap node %s of network %s is up.", device.short, file.name)
