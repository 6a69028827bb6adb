"""Ways of finding others that are switched off stay off."""

from __future__ import annotations

from pathlib import Path

from p2pchat.daemon.ways import remembered_ways
from p2pchat.store.database import Database


def test_what_was_switched_off_stays_off_until_told_otherwise(tmp_path: Path) -> None:
    key = b"k" * 32
    with Database.create(tmp_path / "store", key) as database:
        assert remembered_ways(database, None) == frozenset()
        assert remembered_ways(database, frozenset({"lan", "table"})) == {"lan", "table"}
    with Database.open(tmp_path / "store", key) as database:
        assert remembered_ways(database, None) == {"lan", "table"}
        assert remembered_ways(database, frozenset()) == frozenset()
        assert remembered_ways(database, None) == frozenset()
