"""Dialling through a SOCKS5 proxy such as Tor's: RFC 1928, CONNECT without authentication.

With a proxy nothing is dialled beside it, and names are resolved by it: looking one up here would tell the
name server whom we call.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, Final

import trio
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.transport.exceptions import OpenConnectionError
from libp2p.transport.tcp.tcp import TCP

from p2pchat.errors import NetworkError

_VERSION: Final = 5
_NO_AUTHENTICATION: Final = 0
_CONNECT: Final = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REPLIES: Final = {
    1: "the proxy failed",
    2: "the proxy does not allow it",
    3: "unreachable",
    4: "unreachable",
    5: "refused",
    6: "timed out",
    7: "the proxy cannot connect",
    8: "the proxy does not know this kind of address",
}


class ProxiedTCP(TCP):
    """The TCP transport of libp2p with every dial through the proxy at `proxy` (IP address and port)."""

    def __init__(self, proxy: tuple[str, int]) -> None:
        super().__init__()
        self._proxy = proxy

    async def dial(self, maddr: Any) -> RawConnection:
        """A connection to the address, made by the proxy. Raises OpenConnectionError."""
        _, kind, host, protocol, port, *_ = str(maddr).split("/")
        if kind not in ("ip4", "ip6", "dns", "dns4", "dns6") or protocol != "tcp":
            raise OpenConnectionError("this kind of address does not go through a proxy")
        try:
            stream = await connect(self._proxy, host, int(port))
        except OSError:
            raise OpenConnectionError("the SOCKS5 proxy is not there") from NetworkError(
                "the SOCKS5 proxy is not there"
            )
        except NetworkError as error:
            raise OpenConnectionError(str(error)) from error
        return RawConnection(TrioTCPStream(stream), True)

    async def dial_with_source(self, maddr: Any, source: tuple[str, int]) -> RawConnection:
        """Refused: punching a hole means dialling beside the proxy."""
        raise OpenConnectionError("no direct dial beside the proxy")


async def connect(proxy: tuple[str, int], host: str, port: int) -> trio.SocketStream:
    """A stream to `host` (IP address or name) and `port` through the SOCKS5 `proxy`.

    Raises:
        NetworkError: the proxy refuses, or does not speak SOCKS5.
        OSError: the proxy is not there.
    """
    stream = await _open(proxy)
    try:
        await stream.send_all(bytes([_VERSION, 1, _NO_AUTHENTICATION]))
        if await _receive(stream, 2) != bytes([_VERSION, _NO_AUTHENTICATION]):
            raise NetworkError("the proxy wants a password, or is no SOCKS5 proxy")
        await stream.send_all(bytes([_VERSION, _CONNECT, 0]) + _address(host) + port.to_bytes(2, "big"))
        version, reply, _, kind = await _receive(stream, 4)
        if version != _VERSION:
            raise NetworkError("the proxy is no SOCKS5 proxy")
        if reply:
            raise NetworkError(_REPLIES.get(reply, "the proxy failed"))
        await _receive(stream, await _bound_size(stream, kind) + 2)  # where the proxy dials from
    except BaseException:
        stream.socket.close()
        raise
    return stream


async def _open(proxy: tuple[str, int]) -> trio.SocketStream:
    """A stream to the proxy itself, whose address is numbers: nothing is looked up."""
    family = socket.AF_INET6 if ":" in proxy[0] else socket.AF_INET
    end = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        await end.connect(proxy)
    except BaseException:
        end.close()
        raise
    return trio.SocketStream(end)


def _address(host: str) -> bytes:
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii", "replace")
        if not 0 < len(name) < 256:
            raise NetworkError("the name is too long") from None
        return bytes([_NAME, len(name)]) + name
    return bytes([_IPV4 if parsed.version == 4 else _IPV6]) + parsed.packed


async def _bound_size(stream: trio.SocketStream, kind: int) -> int:
    if kind == _NAME:
        return (await _receive(stream, 1))[0]
    if kind not in (_IPV4, _IPV6):
        raise NetworkError("the proxy is no SOCKS5 proxy")
    return 4 if kind == _IPV4 else 16


async def _receive(stream: trio.SocketStream, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = await stream.receive_some(size - len(received))
        if not part:
            raise NetworkError("the proxy broke off")
        received += part
    return received
