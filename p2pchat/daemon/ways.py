"""The ways to find others, and be found, that this node does not use: kept in its store."""

from __future__ import annotations

from typing import Final

from p2pchat.store import meta
from p2pchat.store.database import Database
from p2pchat.store.transaction import Reader

_WITHOUT: Final = "without"


def unused_ways(tx: Reader) -> frozenset[str]:
    """The ways that are not used."""
    return frozenset((meta.get(tx, _WITHOUT) or b"").decode().split())


def remembered_ways(database: Database, without: frozenset[str] | None) -> frozenset[str]:
    """The ways that are not to be used: as last time if `without` is None, else these, also from now on."""
    if without is None:
        return database.read(unused_ways)
    database.transact(lambda tx: meta.put(tx, _WITHOUT, " ".join(sorted(without)).encode()))
    return without
