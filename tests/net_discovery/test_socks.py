"""Nodes behind a SOCKS5 proxy: every dial goes through it, and nothing says where they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import trio

from p2pchat.core.ids import DeviceId
from p2pchat.errors import NetworkError
from p2pchat.net.config import Reach
from p2pchat.net.peers import full_address
from p2pchat.net.socks import connect

HIDDEN = Reach(hidden=True)


class Proxy:
    """A small SOCKS5 server of RFC 1928: CONNECT, without a password. Names lead to loopback."""

    def __init__(self) -> None:
        self.address = ("", 0)
        self.asked: list[tuple[int, str, int]] = []  # kind of address, host, port
        self.own_ports: set[int] = set()  # from which it dialled
        self.reply = 0  # another one refuses

    async def run(self, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, self._serve, 0, host="127.0.0.1"))
            self.address = listener.socket.getsockname()
            task_status.started()
            await trio.sleep_forever()

    async def _serve(self, client: trio.SocketStream) -> None:
        assert await client.receive_some(3) == b"\5\1\0"
        await client.send_all(b"\5\0")
        head = await self._exactly(client, 4)
        assert head[:3] == b"\5\1\0"
        size = {1: 4, 4: 16}.get(head[3]) or (await self._exactly(client, 1))[0]
        host = await self._exactly(client, size)
        port = int.from_bytes(await self._exactly(client, 2), "big")
        text = host.decode() if head[3] == 3 else ".".join(map(str, host))
        self.asked.append((head[3], text, port))
        if self.reply:
            await client.send_all(b"\5" + bytes([self.reply]) + b"\0\1" + bytes(6))
            return
        try:
            server = await trio.open_tcp_stream("127.0.0.1", port)
        except OSError:
            await client.send_all(b"\5\5\0\1" + bytes(6))
            return
        self.own_ports.add(server.socket.getsockname()[1])
        await client.send_all(b"\5\0\0\3\7example\0\0")
        async with server, trio.open_nursery() as nursery:
            nursery.start_soon(self._copy, client, server)
            nursery.start_soon(self._copy, server, client)

    async def _exactly(self, stream: trio.SocketStream, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = await stream.receive_some(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    async def _copy(self, source: trio.SocketStream, sink: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for part in source:
                await sink.send_all(part)
            await sink.send_eof()


@pytest.fixture
async def proxy(nursery: trio.Nursery) -> Proxy:
    proxy = Proxy()
    await nursery.start(proxy.run)
    return proxy


async def echo(stream: Any) -> None:
    while frames := await stream.receive():
        await stream.send(frames)


def callers(network: Any) -> set[int]:
    """The ports from which those who are connected called."""
    found = (address.split("/") for peer in network.state().peers for address in peer.addresses)
    return {int(parts[4]) for parts in found if parts[3] == "tcp" and "p2p-circuit" not in parts}


def port_of(network: Any) -> int:
    return int(network.state().listening[0].split("/")[4])


async def test_people_behind_proxies_meet_through_a_relay_and_dial_nobody_directly(
    overlay: Any, eventually: Callable[..., Any], proxy: Proxy
) -> None:
    port = port_of(overlay.bootstrap)
    named = full_address(overlay.bootstrap.device, f"/dns4/boot.invalid/tcp/{port}")
    options = {"listen": (), "bootstrap": (named,), "proxy": proxy.address, "reach": HIDDEN}
    ann, bob = await overlay.open(**options), await overlay.open(**options)
    bob.serve("echo/1", echo, frame_limit=1024)
    await eventually(bob.services.keeper.addresses)
    await ann.connect(bob.device, bob.services.addresses())
    stream = await ann.open_stream(bob.device, "echo/1", frame_limit=1024)
    await stream.send([b"hi"])
    assert await stream.receive() == [b"hi"]
    await stream.close()
    assert {(kind, host) for kind, host, _ in proxy.asked} == {(3, "boot.invalid")}
    assert callers(overlay.bootstrap) <= proxy.own_ports
    assert len(callers(overlay.bootstrap)) == 2
    for one in (ann, bob):
        assert all("p2p-circuit" in address for address in one.advertised())
    assert bob.advertised()


async def test_who_listens_for_an_onion_service_does_not_tell_where(
    overlay: Any, eventually: Callable[..., Any], proxy: Proxy
) -> None:
    bob = await overlay.open(proxy=proxy.address, reach=HIDDEN)
    await eventually(bob.services.keeper.addresses)
    assert all("p2p-circuit" in address for address in bob.advertised())
    ann = await overlay.open()
    bob.serve("echo/1", echo, frame_limit=1024)
    await ann.connect(bob.device, bob.services.addresses())
    stream = await ann.open_stream(bob.device, "echo/1", frame_limit=1024)
    await stream.send([b"still relayed"])
    assert await stream.receive() == [b"still relayed"]
    await stream.close()
    (status,) = (peer for peer in ann.state().peers if peer.peer == bob.device)
    assert all("p2p-circuit" in address for address in status.addresses)
    assert callers(overlay.bootstrap) & proxy.own_ports


@pytest.mark.parametrize(
    ("reply", "reason"), [(5, "refused"), (4, "unreachable"), (2, "allow"), (99, "failed")]
)
async def test_what_the_proxy_refuses_is_told(overlay: Any, proxy: Proxy, reply: int, reason: str) -> None:
    ann = await overlay.open(listen=(), bootstrap=(), proxy=proxy.address, reach=HIDDEN)
    proxy.reply = reply
    with pytest.raises(NetworkError, match=reason):
        await ann.connect(DeviceId(os.urandom(32)), ["/ip4/127.0.0.1/tcp/9"])
    assert (1, "127.0.0.1", 9) in proxy.asked


async def test_without_its_proxy_a_node_dials_nobody(overlay: Any, nursery: trio.Nursery) -> None:
    with trio.socket.socket() as free:
        await free.bind(("127.0.0.1", 0))
        gone = free.getsockname()
    ann = await overlay.open(listen=(), bootstrap=(), proxy=gone, reach=HIDDEN)
    with pytest.raises(NetworkError, match="proxy is not there"):
        await ann.connect(overlay.bootstrap.device, overlay.bootstrap.advertised())
    assert not overlay.bootstrap.state().peers


@pytest.mark.parametrize(
    "answer", [b"\5\2", b"HTTP/1.1 400 Bad Request", b"", b"\5", b"\5\0\5\0\0\2", b"\5\0\4\0\0\1"]
)
async def test_what_is_no_socks_proxy_is_told(nursery: trio.Nursery, answer: bytes) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.send_all(answer)
        await stream.send_eof()

    (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    with trio.fail_after(20), pytest.raises(NetworkError, match="proxy"):
        await connect(listener.socket.getsockname(), "127.0.0.1", 9)
    nursery.cancel_scope.cancel()
