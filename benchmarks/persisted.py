"""One private message sealed, persisted, opened and persisted, against its parts measured alone.

`python -m benchmarks.persisted` prints messages per second of both and what share ours reaches; at least
half is asked for. *Raw* is vodozemac and XChaCha20-Poly1305 with the pickle of each session, and
durable commits of the same rows by SQLite alone: the envelope with the sender's state, the message with
the receiver's. Ours goes through PeerSessions and Database.transact. Both alternate in small rounds on
the same disk; the median round counts. Grouped rounds commit 64 messages at once, as a busy node does.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw
import vodozemac
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.utils import random

from benchmarks.ratchet import KEY, Pair
from p2pchat.store.database import Database
from p2pchat.store.sqlite import connect
from p2pchat.store.transaction import Change, Transaction

ROUNDS: Final = 15
GROUP: Final = 64
SIZE: Final = 200  # bytes of text
ENOUGH: Final = 0.5
SCHEMA: Final = """
CREATE TABLE state (peer INTEGER PRIMARY KEY, pickle BLOB NOT NULL) STRICT;
CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""
PUT_STATE: Final = "INSERT OR REPLACE INTO state VALUES (1, ?)"
PUT_ROW: Final = "INSERT INTO row (body) VALUES (?)"


class Ours:
    """Two devices with a store each."""

    def __init__(self, folder: Path, migrations: Path) -> None:
        self.pair = Pair()
        self.pair.start()
        self.pair.answer()
        self.near, self.far = (
            Database.create(folder / f"{name}.db", KEY, migrations=migrations) for name in ("near", "far")
        )

    def exchange(self, texts: list[bytes]) -> None:
        """Send `texts`: one commit on each side."""
        sealed = [one.result for one in _each(self.near, [self._seal(text) for text in texts])]
        _each(self.far, [self._open(envelope) for envelope in sealed])

    def _seal(self, text: bytes) -> Change[bytes]:
        def change(tx: Transaction) -> bytes:
            envelope = self.pair.sender.seal(text)
            tx.execute(PUT_ROW, (envelope,))
            tx.execute(PUT_STATE, (self.pair.sender.to_bytes(KEY),))
            return envelope

        return change

    def _open(self, envelope: bytes) -> Change[None]:
        def change(tx: Transaction) -> None:
            opened = self.pair.receiver.open(self.pair.accounts[1], envelope)
            tx.execute(PUT_ROW, (opened.plaintext,))
            tx.execute(PUT_STATE, (self.pair.receiver.to_bytes(KEY),))

        return change


def _each(database: Database, changes: list[Change[bytes]] | list[Change[None]]) -> list:  # type: ignore[type-arg]
    return database.transact_each(changes)  # type: ignore[arg-type]


class Raw:
    """The same with nothing of ours."""

    def __init__(self, folder: Path) -> None:
        alice, bob = vodozemac.Account(), vodozemac.Account()
        bob.generate_one_time_keys(1)
        (one_time_key,) = bob.one_time_keys.values()
        self.sender = alice.create_outbound_session(bob.curve25519_key, one_time_key)
        first = self.sender.encrypt(b"").to_pre_key()
        assert first is not None
        self.receiver, _ = bob.create_inbound_session(alice.curve25519_key, first)
        self.sender.decrypt(self.receiver.encrypt(b""))
        self.near, self.far = (_plain(folder / f"raw {name}.db") for name in ("near", "far"))

    def exchange(self, texts: list[bytes]) -> None:
        """Send `texts`: one commit on each side."""
        sealed = []
        self.near.execute("BEGIN IMMEDIATE")
        for text in texts:
            kind, inner = self.sender.encrypt(text).to_parts()
            nonce = random(24)
            outer = crypto_aead_xchacha20poly1305_ietf_encrypt(inner, b"ad", nonce, KEY)
            sealed.append((kind, nonce, outer))
            self.near.execute(PUT_ROW, (outer,))
            self.near.execute(PUT_STATE, (self.sender.pickle(KEY).encode(),))
        self.near.execute("COMMIT")
        self.far.execute("BEGIN IMMEDIATE")
        for kind, nonce, outer in sealed:
            inner = crypto_aead_xchacha20poly1305_ietf_decrypt(outer, b"ad", nonce, KEY)
            text = self.receiver.decrypt(vodozemac.AnyOlmMessage.from_parts(kind, inner))
            self.far.execute(PUT_ROW, (text,))
            self.far.execute(PUT_STATE, (self.receiver.pickle(KEY).encode(),))
        self.far.execute("COMMIT")


def _plain(path: Path) -> apsw.Cursor:
    path.touch(0o600)
    connection = connect(path, KEY)
    connection.execute(SCHEMA)
    return connection.cursor()


def measure(folder: Path) -> list[tuple[str, float, float]]:
    """For each size of a commit: what it is, messages per second of ours, and raw."""
    migrations = folder / "migrations"
    migrations.mkdir()
    (migrations / "0001_first.sql").write_text(SCHEMA)
    ours, raw = Ours(folder, migrations), Raw(folder)
    figures = []
    for what, group, steps in (("one at a time", 1, 100), (f"{GROUP} to a commit", GROUP, 10)):
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for exchange, taken in zip((ours.exchange, raw.exchange), rates, strict=True):
                taken.append(group * steps / _seconds(exchange, group, steps))
        figures.append((what, *map(statistics.median, rates)))
    return figures


def _seconds(exchange: Callable[[list[bytes]], None], group: int, steps: int) -> float:
    texts = [bytes(SIZE)] * group
    began = time.perf_counter()
    for _ in range(steps):
        exchange(texts)
    return time.perf_counter() - began


def main() -> None:
    # /var/tmp is on a disk where /tmp may be in memory
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        figures = measure(Path(folder))
    for what, ours, raw in figures:
        print(f"{what:16} {ours:8.0f} per s   raw {raw:8.0f} per s   {ours / raw:4.0%} of raw")
    sys.exit(any(ours < ENOUGH * raw for _, ours, raw in figures))


if __name__ == "__main__":
    main()
