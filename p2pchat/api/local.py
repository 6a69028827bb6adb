"""The local API without a node: the store methods, carried out in this process under the home's lock.

Importing this loads the cryptography and the store but neither trio nor libp2p.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from p2pchat.api import methods, views
from p2pchat.api import schema as s
from p2pchat.api.client import NOT_RUNNING
from p2pchat.api.methods.backup import report
from p2pchat.api.table import METHODS
from p2pchat.config import Home
from p2pchat.errors import InUseError, NetworkError, StoreError, UsageError
from p2pchat.node.profile import Profile, needs_passphrase
from p2pchat.node.words import backup_key, from_words
from p2pchat.store import keystore
from p2pchat.store.backup import verify
from p2pchat.store.doctor import examine

__all__ = ["LocalClient", "StoreReport", "create", "examine_store", "needs_passphrase"]


class LocalClient:
    """Answers as the node would, from the profile in `home`, which it holds from the first call on."""

    def __init__(self, home: Home, passphrase: str | None) -> None:
        self._home = home
        self._passphrase = passphrase or ""
        self._open = ExitStack()
        self._profile: Profile | None = None

    def call(self, name: str, params: s.Params) -> s.Result:
        """What method `name` of the table gives.

        Raises:
            NetworkError: the method needs the running node.
            P2PChatError: the profile does not open, or the method refuses.
        """
        if METHODS[name].runs == "network":
            raise NetworkError(NOT_RUNNING)
        if self._profile is None:
            self._profile = self._open.enter_context(Profile.open(self._home, self._passphrase))
        return methods.call(self._profile, name, params)

    def close(self) -> None:
        """Let the next process have the home."""
        self._profile = None
        self._open.close()


def create(home: Home, name: str, passphrase: str | None, words: str | None = None) -> s.Identity:
    """A person called `name` in `home`: a new one, or on a new device the one whose 24 `words` are given.

    Raises:
        UsageError: there is a profile already, the name cannot be used, or the words are no such words.
        StoreError: the disk refuses.
    """
    seed = None if words is None else from_words(words)
    return views.identity(Profile.create(home, name, passphrase or "", seed=seed))


def restore(home: Home, file: Path, words: str, passphrase: str | None) -> s.Identity:
    """The profile in `home` made of a backup, as a new device of the person whose 24 words are given.

    Raises:
        UsageError: there is a profile already, or the words are no such words.
        StoreError: the backup does not open with the words, is damaged, or the disk refuses.
    """
    return views.identity(Profile.restore(home, file, from_words(words), passphrase or ""))


def verify_backup(file: Path, words: str) -> s.BackupReport:
    """What the backup `file` is, all of it read.

    Raises:
        UsageError: the words are no such words.
        StoreError: it does not open with the words, or is damaged.
    """
    return report(file, verify(file, backup_key(from_words(words))))


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What an examination of the store found."""

    path: Path
    version: int
    problems: tuple[str, ...]
    """Empty if it is sound."""


def examine_store(home: Home, passphrase: str | None) -> StoreReport:
    """Read every page of the store; works beside a running node.

    Raises:
        StoreError: the key or the store does not open.
    """
    found = examine(home.store, keystore.unlock(home.key_file, passphrase or ""))
    return StoreReport(home.store, found.version, found.problems)


def examine_store_or_none(home: Home, passphrase: str | None) -> StoreReport | None:
    """As `examine_store`; None if the store is too damaged to be examined.

    Raises:
        StoreError: the key does not open.
    """
    key = keystore.unlock(home.key_file, passphrase or "")
    try:
        found = examine(home.store, key)
    except StoreError:
        return None
    return StoreReport(home.store, found.version, found.problems)


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What could be saved of a damaged store."""

    rows: int
    lost: dict[str, int | None]
    """Rows that could not be read, for each table that lacks some; None if nothing tells how many."""
    damaged: Path
    """Where the damaged store is kept."""
    is_new_device: bool
    """What this device has signed was among it, so it goes on as a new one."""


def repair_store(home: Home, passphrase: str | None) -> RepairReport:
    """Put a sound store in the place of a damaged one.

    Raises:
        InUseError: the node runs.
        StoreError: it does not open at all; nothing was changed.
    """
    try:
        done = Profile.repair(home, passphrase or "")
    except InUseError:
        raise
    except StoreError as error:
        raise StoreError(
            f"The store cannot be repaired ({error}). Restore your newest backup: "
            "p2pchat backup restore FILE --home NEW"
        ) from error
    return RepairReport(
        sum(one.rows for one in done.store.tables),
        {one.table: one.lost for one in done.store.tables if one.lost != 0},
        done.store.damaged,
        done.is_new_device,
    )


def protect(home: Home, old: str | None, by: str, new: str) -> None:
    """Have the store's key guarded by a "passphrase" (`new`), the "keyring" of the system, or "none".

    Raises:
        UsageError: there is no profile.
        StoreError: the `old` passphrase is wrong, there is no keyring, or the disk failed; all is as it was.
    """
    if not home.key_file.exists():
        raise UsageError(f"there is no profile in {home.directory}: make one with `p2pchat init`")
    guard = keystore.Protection.FILE if by == "none" else keystore.Protection(by)
    keystore.change(home.key_file, old or "", guard, new)


def guard(home: Home) -> str:
    """What guards the store's key: passphrase, keyring or file. Raises StoreError if it cannot be read."""
    return keystore.protection_of(home.key_file).value
