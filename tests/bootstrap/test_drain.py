"""A node that stops lets calls that are on come to their end."""

import os
import signal
import urllib.error
import urllib.request

import pytest
import trio

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network

pytestmark = pytest.mark.end_to_end

SETTINGS = """
name = "friends"
listen = ["/ip4/127.0.0.1/tcp/0"]
metrics = "127.0.0.1:0"
drain_seconds = 600
"""


@pytest.fixture
def node(tmp_path, start):
    (tmp_path / "bootstrap.toml").write_text(SETTINGS)
    return start(tmp_path)


def unreachable(node):
    return open_network(
        NetworkConfig(SigningKey(os.urandom(32)), "friends", (), tuple(node.ready["addresses"]))
    )


async def call(caller: Libp2pNetwork, called: Libp2pNetwork) -> None:
    while not called.services.keeper.addresses():  # noqa: ASYNC110 -- what is waited for tells nobody
        await trio.sleep(0.05)
    await caller.connect(called.device, called.services.addresses())


def health(node) -> int:
    try:
        url = f"http://127.0.0.1:{node.ready['metrics_port']}/health"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def until_stopping(node) -> None:
    while await trio.to_thread.run_sync(health, node) != 503:  # noqa: ASYNC110
        await trio.sleep(0.05)


async def test_a_node_ends_when_its_last_call_has_ended(node) -> None:
    with trio.fail_after(60):
        async with unreachable(node) as alice, unreachable(node) as bob:
            await call(alice, bob)
            node.process.send_signal(signal.SIGTERM)
            await until_stopping(node)
            assert await alice.ping(bob.device) > 0
            assert node.process.poll() is None
            await alice.disconnect(bob.device)
            assert await trio.to_thread.run_sync(node.process.wait, 30) == 0


async def test_a_second_signal_ends_the_node_at_once(node) -> None:
    with trio.fail_after(60):
        async with unreachable(node) as alice, unreachable(node) as bob:
            await call(alice, bob)
            node.process.send_signal(signal.SIGTERM)
            await until_stopping(node)
            node.process.send_signal(signal.SIGTERM)
            assert await trio.to_thread.run_sync(node.process.wait, 30) == 0
