"""A person's home on disk: made once, opened by one process at a time.

Nothing here needs trio or the network, so a command without a running node uses it as it is.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeVar

from p2pchat.config import Home, NetworkFile
from p2pchat.errors import StoreError, UsageError
from p2pchat.files import write_atomically
from p2pchat.node.features.app import App
from p2pchat.node.features.people import restore
from p2pchat.node.words import backup_key
from p2pchat.store import backup, doctor, keystore, meta, sealing
from p2pchat.store.database import Database
from p2pchat.store.files import Forgotten
from p2pchat.store.recount import recount
from p2pchat.store.salvage import Salvaged
from p2pchat.store.transaction import Change, Query, Transaction

T = TypeVar("T")
logger = logging.getLogger(__name__)
_SIGNED: Final = frozenset({"entry", "ledger_entry", "ledger_account"})  # what a device must not forget
_NETWORK: Final = "network file"  # in a backup: what lies beside the store


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of a damaged store."""

    store: doctor.Repair
    is_new_device: bool


def wall_clock_ms() -> int:
    """Milliseconds since 1970, as this machine believes."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Profile:
    """An open home: who I am, and the store."""

    home: Home
    app: App
    database: Database

    @classmethod
    def create(cls, home: Home, name: str, passphrase: str = "", *, seed: bytes | None = None) -> App:
        """Make a person with a new store in `home`; nothing is left behind if it fails.

        With the root `seed` of a person that is he, on a new device and without anything he had.

        Raises:
            UsageError: there is somebody already, or the name cannot be used.
            StoreError: the folder cannot be written.
        """
        with _fresh_key(home, passphrase) as key, Database.create(home.store, key) as database:
            return database.transact(
                lambda tx: App.create(tx, home, name, wall_clock_ms, os.urandom, seed=seed)
            ).result

    @classmethod
    def restore(cls, home: Home, file: Path, seed: bytes, passphrase: str = "") -> App:
        """Make the profile in `home` of a backup that the person with the root `seed` made.

        It is a new device of that person. Nothing is left behind if it fails.

        Raises:
            UsageError: there is somebody already.
            StoreError: the backup does not open with this seed, is damaged, or the disk failed.
        """
        restored: list[tuple[App, bytes | None]] = []

        def adopt(tx: Transaction) -> None:
            old = App.load(tx, home, wall_clock_ms, os.urandom)
            restored.append((restore.begin_anew(old, tx), meta.get(tx, _NETWORK)))

        with _fresh_key(home, passphrase) as key:
            backup.restore(file, backup_key(seed), home.store, key, adopt=adopt)
        app, network = restored[-1]
        if network:
            write_atomically(home.network_file, network)
        return app

    @classmethod
    @contextmanager
    def open(cls, home: Home, passphrase: str = "") -> Iterator[Self]:
        """The profile in `home`, held by this process until the end of the context.

        Raises:
            UsageError: there is none yet.
            StoreError: another process holds it, or it does not open.
        """
        if not home.store.exists():
            if home.key_file.exists():
                raise StoreError(f"the store {home.store} is missing: restore it from a backup")
            raise UsageError(f"there is no profile in {home.directory}: make one with `p2pchat init`")
        with home.hold():
            key = keystore.unlock(home.key_file, passphrase)
            with Database.open(home.store, key) as database:
                yield cls(home, _load(database, home), database)

    @classmethod
    def repair(cls, home: Home, passphrase: str = "") -> Repaired:
        """Save what can be read of a damaged store; what it was stays beside it.

        If entries were lost, this device no longer knows what it has signed, and goes on as a new one.

        Raises:
            UsageError: there is no profile.
            StoreError: another process holds it, or it does not open at all, or who it belonged to is lost:
                a backup is what is left. Nothing was changed.
        """
        if not home.store.exists():
            raise UsageError(f"there is no profile in {home.directory}: make one with `p2pchat init`")
        devices: set[bool] = set()

        def adopt(saved: tuple[Salvaged, ...]) -> Change[None]:
            is_whole = all(one.lost == 0 for one in saved if one.table in _SIGNED)
            devices.add(is_whole)

            def change(tx: Transaction) -> None:
                recount(tx)
                app = App.load(tx, home, wall_clock_ms, os.urandom)
                if not is_whole:
                    restore.begin_anew(app, tx)

            return change

        with home.hold():
            done = doctor.repair(home.store, keystore.unlock(home.key_file, passphrase), adopt=adopt)
        return Repaired(done, is_new_device=False in devices)

    def back_up(self, file: Path) -> sealing.Description:
        """Write all that is committed to a new file, which the person's words open; the node may run on.

        Raises:
            StoreError: something is there already, the store is damaged, or the disk failed.
        """
        if network := network_of(self.home):
            text = network.to_toml().encode()
            self.database.transact(lambda tx: meta.put(tx, _NETWORK, text))
        key = backup_key(self.app.root.seed)
        return backup.create(self.database, file, key, created_ms=self.app.now_ms())

    def check_backup(self, file: Path) -> sealing.Description:
        """What a backup of this person is, all of it read. Raises StoreError if it is damaged, or not his."""
        return backup.verify(file, backup_key(self.app.root.seed))

    def change(self, change: Change[T]) -> T:
        """Run a change in this thread; its effects are found again when the node starts.

        What became of no use beside the store is removed at once.
        """
        done = self.database.transact(change)
        for effect in done.effects:
            if isinstance(effect, Forgotten):
                self.app.blobs.discard(effect.ids)
        return done.result

    def query(self, query: Query[T]) -> T:
        """Run a query in this thread."""
        return self.database.read(query)


def needs_passphrase(home: Home) -> bool:
    """Whether the store's key is protected by a passphrase. Raises StoreError if it cannot be read."""
    return home.key_file.exists() and keystore.protection_of(home.key_file) is keystore.Protection.PASSPHRASE


def network_of(home: Home) -> NetworkFile | None:
    """The network this node belongs to; None before `p2pchat network join`. Raises UsageError if damaged."""
    return NetworkFile.read(home.network_file) if home.network_file.exists() else None


def require_network(home: Home) -> NetworkFile:
    """The network this node belongs to. Raises UsageError if it belongs to none."""
    network = network_of(home)
    if network is None:
        raise UsageError("this node belongs to no network yet: use `p2pchat network join FILE`")
    return network


@contextmanager
def _fresh_key(home: Home, passphrase: str) -> Iterator[bytes]:
    """The key of a store that is made in the context, in a home without one; all is removed if that fails."""
    home.create()
    with home.hold():
        if home.store.exists():
            raise UsageError(f"there is a profile in {home.directory} already; nothing was changed")
        if home.key_file.exists():
            # A crash in here may have left it, but it may as well open a store that is elsewhere now.
            raise UsageError(
                f"{home.key_file} is the key of a store that is missing: put the store back, "
                "or delete the key if there never was one"
            )
        protection = keystore.Protection.PASSPHRASE if passphrase else keystore.Protection.FILE
        try:
            yield keystore.create(home.key_file, protection, passphrase)
        except BaseException:
            _remove_store(home)
            raise


def _load(database: Database, home: Home) -> App:
    app = database.read(lambda tx: App.load(tx, home, wall_clock_ms, os.urandom))
    if not database.read(lambda tx: restore.has_forgotten(app, tx)):
        return app
    logger.warning(
        "The store in %s is older than what this device has signed: it goes on as a new device.",
        home.directory,
    )
    return database.transact(lambda tx: restore.begin_anew(app, tx)).result


def _remove_store(home: Home) -> None:
    for path in (home.store, home.key_file):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
