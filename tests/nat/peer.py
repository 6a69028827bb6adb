"""A device in its own network namespace: obeys one JSON command per line, answers with one JSON line.

{"do": "state"}                          addresses, reachability, peers
{"do": "connect", "to": "<device>"}      by the table alone
{"do": "send", "to": "<device>", "text": "..."}   what the other end echoes
"""

import json
import os
import sys

import trio

from p2pchat.config import NetworkFile
from p2pchat.core.ids import DeviceId
from p2pchat.core.keys import SigningKey
from p2pchat.errors import P2PChatError
from p2pchat.net.config import NetworkConfig, Reach
from p2pchat.net.libp2p_network import Libp2pNetwork, open_network


async def echo(stream) -> None:
    while frames := await stream.receive():
        await stream.send(frames)


async def obey(network: Libp2pNetwork, command: dict) -> object:
    if command["do"] == "state":
        peers = {status.peer.text: list(status.addresses) for status in network.state().peers}
        return {
            "addresses": network.services.addresses(),
            "reachability": network.services.watch.state.value,
            "peers": peers,
            "changes": network.state().counters.get("network_changes", 0),
        }
    device = DeviceId.parse(command["to"])
    if command["do"] == "connect":
        with trio.fail_after(30):
            await network.connect(device, [])
        return "connected"
    with trio.fail_after(10):
        stream = await network.open_stream(device, "echo/1", frame_limit=1024)
        await stream.send([command["text"].encode()])
        (frame,) = await stream.receive()
        await stream.close()
    return frame.decode()


async def main() -> None:
    file = NetworkFile.parse(sys.argv[1])
    config = NetworkConfig(
        SigningKey(os.urandom(32)),
        file.name,
        ("/ip4/0.0.0.0/tcp/4001",),
        file.bootstrap,
        reach=Reach(port_mapping="--port-mapping" in sys.argv),
    )
    async with open_network(config) as network:
        network.serve("echo/1", echo, frame_limit=1024)
        print(json.dumps(network.device.text), flush=True)
        while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            try:
                answer = await obey(network, json.loads(line))
            except (P2PChatError, trio.TooSlowError) as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    trio.run(main)
