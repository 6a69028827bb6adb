"""DNS names in multiaddrs, looked up as the system does it.

libp2p asks name servers directly, and so knows neither /etc/hosts nor what a VPN or mDNS resolves.
"""

from __future__ import annotations

import socket
from typing import Final

import trio

from p2pchat.errors import NetworkError

_FAMILIES: Final = {"dns4": ("ip4", socket.AF_INET), "dns6": ("ip6", socket.AF_INET6)}
_MOST: Final = 4  # addresses of one name that are worth a dial


async def resolved(address: str) -> list[str]:
    """`address` with IP addresses in place of a leading DNS name, in the system's order; else itself.

    Raises:
        NetworkError: the name leads nowhere now.
    """
    _, kind, host, *rest = address.split("/")
    if kind not in _FAMILIES:
        return [address]
    name, family = _FAMILIES[kind]
    try:
        answers = await trio.socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NetworkError("its name cannot be resolved") from error
    hosts = dict.fromkeys(str(answer[4][0]) for answer in answers)
    return ["/".join(("", name, found, *rest)) for found in list(hosts)[:_MOST]]
