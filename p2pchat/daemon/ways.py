"""The ways to find others, and be found, that this node does not use, and its proxy: kept in its store."""

from __future__ import annotations

import ipaddress
from typing import Final

from p2pchat.errors import UsageError
from p2pchat.store import meta
from p2pchat.store.database import Database
from p2pchat.store.transaction import Reader

_WITHOUT: Final = "without"
_PROXY: Final = "proxy"


def unused_ways(tx: Reader) -> frozenset[str]:
    """The ways that are not used."""
    return frozenset((meta.get(tx, _WITHOUT) or b"").decode().split())


def remembered_ways(database: Database, without: frozenset[str] | None) -> frozenset[str]:
    """The ways that are not to be used: as last time if `without` is None, else these, also from now on."""
    if without is None:
        return database.read(unused_ways)
    database.transact(lambda tx: meta.put(tx, _WITHOUT, " ".join(sorted(without)).encode()))
    return without


def parse_proxy(text: str) -> tuple[str, int]:
    """The IP address and port in `127.0.0.1:9050` or `[::1]:9050`; "localhost" is 127.0.0.1.

    Raises:
        UsageError: it is none; a name would have to be looked up, for all to see.
    """
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        raise UsageError(
            f"'{text}' is no proxy: write its IP address and port, as in 127.0.0.1:9050"
        ) from None
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"'{text}' is no proxy: write its IP address and port, as in 127.0.0.1:9050")
    return address, int(port)


def used_proxy(tx: Reader) -> str:
    """The SOCKS5 proxy that all dials go through, as it was written; empty if there is none."""
    return (meta.get(tx, _PROXY) or b"").decode()


def remembered_proxy(database: Database, asked: str | None) -> tuple[str, int] | None:
    """The proxy to be used, also next time: that of last time if `asked` is None, none if it is "off".

    Raises:
        UsageError: what is asked for is no proxy.
    """
    if asked is not None:
        kept = "" if asked == "off" else asked
        if kept:
            parse_proxy(kept)
        database.transact(lambda tx: meta.put(tx, _PROXY, kept.encode()))
    now = database.read(used_proxy)
    return parse_proxy(now) if now else None
