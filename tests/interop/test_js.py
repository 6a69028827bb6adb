"""Against js-libp2p: Noise, yamux, identify, ping, a stream of ours and signed gossip, both ways.

The first run fetches the packages of tests/interop/js/package-lock.json with `npm ci`. Where node or npm
is missing, or the packages cannot be had, the tests are skipped; with `CI` in the environment they fail.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
import trio
from libp2p.custom_types import TProtocol

from p2pchat.core.keys import SigningKey
from p2pchat.net.config import NetworkConfig
from p2pchat.net.libp2p_network import open_network
from p2pchat.net.peers import parse_address, peer_id_of

JS = Path(__file__).with_name("js")
ECHO, LIMIT = "echo/1", 1024 * 1024

FETCH_S = 180
DONE = JS / "node_modules" / ".package-lock.json"  # npm writes it last

pytestmark = pytest.mark.interop


@pytest.fixture(scope="session")
def packages():
    """The JavaScript packages, fetched once by whichever test process comes first."""
    if not shutil.which("node") or not shutil.which("npm"):
        unavailable("node and npm are not installed")
    with (JS / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not DONE.exists():
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            try:
                subprocess.run(command, cwd=JS, check=True, capture_output=True, text=True, timeout=FETCH_S)
            except subprocess.SubprocessError as error:
                unavailable(f"`npm ci` in tests/interop/js failed: {getattr(error, 'stderr', error)}")


def unavailable(why):
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


class JsNode:
    """The process that runs node.mjs."""

    def __init__(self, process: trio.Process, lines) -> None:
        self.process = process
        self.lines = lines
        self.heard: list[dict] = []
        self.address = ""

    async def read(self, key):
        async for line in self.lines:
            if key in line:
                return line[key]
            assert "error" not in line, line["error"]
            self.heard.append(line)
        raise AssertionError("the js node is dead")

    async def ask(self, command):
        await self.process.stdin.send_all(command.encode() + b"\n")
        return await self.read("answer")


async def json_lines(stream):
    rest = b""
    async for data in stream:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)


async def echo(stream):
    while frames := await stream.receive():
        await stream.send(frames)


@pytest.fixture
async def js(packages, nursery):
    run = partial(trio.run_process, cwd=JS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
    process = await nursery.start(run, ["node", "node.mjs"])
    lines = json_lines(process.stdout)
    node = JsNode(process, lines)
    with trio.fail_after(30):
        node.address = await node.read("address")
    yield node
    process.kill()
    await lines.aclose()


@pytest.fixture
async def network(nursery):
    async def hold(task_status):
        config = NetworkConfig(SigningKey(os.urandom(32)), "test", ("/ip4/127.0.0.1/tcp/0",))
        async with open_network(config) as network:
            network.serve(ECHO, echo, frame_limit=LIMIT)
            task_status.started(network)
            await trio.sleep_forever()

    return await nursery.start(hold)


@pytest.fixture(params=["we dial", "they dial"])
async def connected(request, js, network):
    """Both nodes, with a connection that one or the other has made."""
    device, address = parse_address(js.address)
    with trio.fail_after(20):
        if request.param == "we dial":
            await network.connect(device, [address])
        else:
            assert await js.ask(f"dial {network.advertised()[0]}")
            while not network.is_connected(device):  # noqa: ASYNC110
                await trio.sleep(0.01)
    return js, network, device


async def test_streams_of_ours_both_ways(connected):
    js, network, device = connected
    with trio.fail_after(30):
        stream = await network.open_stream(device, ECHO, frame_limit=LIMIT)
        sent = [b"hello", b"", os.urandom(LIMIT)]
        received = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send, sent)
            while len(received) < len(sent):
                received += await stream.receive()
        assert received == sent
        assert await js.ask(f"echo {network.advertised()[0]} 100")
        assert await js.ask(f"echo {network.advertised()[0]} 900000")


async def test_pings_both_ways(connected):
    js, network, device = connected
    with trio.fail_after(20):
        await network.ping(device)  # yamux
        stream = await network.host.new_stream(peer_id_of(device), [TProtocol("/ipfs/ping/1.0.0")])
        token = os.urandom(32)
        await stream.write(token)
        assert await stream.read(32) == token
        assert await js.ask(f"ping {network.advertised()[0]}")


async def test_identify_both_ways(connected):
    js, network, device = connected
    ours = "/p2pchat/test/echo/1"
    with trio.fail_after(20):
        while ours not in await js.ask("protocols"):  # noqa: ASYNC110
            await trio.sleep(0.1)
        peerstore = network.host.get_peerstore()
        peer = peer_id_of(device)
        while not (peerstore.has_peer(peer) and ours in peerstore.get_protocols(peer)):  # noqa: ASYNC110
            await trio.sleep(0.1)


async def test_signed_gossip_both_ways(connected):
    js, network, _ = connected
    with trio.fail_after(30):
        async with network.join("t", lambda payload: True) as topic:
            while not await js.ask("publish from-js"):  # noqa: ASYNC110
                await trio.sleep(0.2)
            assert await anext(topic.payloads()) == b"from-js"
            while not js.heard:
                await topic.publish(b"from-py")
                await trio.sleep(0.2)
                await js.ask("protocols")  # reads what was heard meanwhile
    assert js.heard[0] == {"heard": "from-py", "type": "signed"}
