"""Where a node keeps its files. Every command imports this, so it imports next to nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from p2pchat.errors import StoreError, UsageError
from p2pchat.lock import HomeLock

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Home:
    """The directory that holds all files of one node; each profile on a machine has its own."""

    directory: Path

    @classmethod
    def locate(cls, explicit: Path | None = None, environment: Mapping[str, str] = os.environ) -> Self:
        """The home asked for, else $P2PCHAT_HOME, else p2pchat under $XDG_DATA_HOME or ~/.local/share."""
        if explicit is None and environment.get("P2PCHAT_HOME"):
            explicit = Path(environment["P2PCHAT_HOME"])
        if explicit is None:
            explicit = _own(environment)
        return cls(explicit.expanduser().absolute())

    @classmethod
    def of_profile(cls, name: str, environment: Mapping[str, str] = os.environ) -> Self:
        """The home of one of several profiles of a user, by its name.

        Raises:
            UsageError: it is no name for a directory.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"'{name}' is no name for a profile: use letters, digits, - and _.")
        return cls(profiles_directory(environment) / name)

    @property
    def network_file(self) -> Path:
        """Which network the node belongs to (see NetworkFile)."""
        return self.directory / "network.toml"

    @property
    def store(self) -> Path:
        """The encrypted SQLite file."""
        return self.directory / "store.db"

    @property
    def ledger_anchor(self) -> Path:
        """The last ledger entry that this device has signed: an old store is told by it."""
        return self.directory / "ledger.anchor"

    @property
    def files(self) -> Path:
        """The folder of files that were sent and fetched, each sealed under a key that is in the store."""
        return self.directory / "files"

    @property
    def key_file(self) -> Path:
        """The wrapped or plain key of the store, or a bootstrap node's identity; 0600."""
        return self.directory / "key"

    @property
    def socket(self) -> Path:
        """The running node's local API, a unix socket."""
        return self.directory / "node.sock"

    @property
    def lock(self) -> Path:
        """Held by the one process that has this home open."""
        return self.directory / "node.lock"

    @property
    def log(self) -> Path:
        """What a detached node writes instead of stderr."""
        return self.directory / "node.log"

    @property
    def pid(self) -> Path:
        """The process id of the running node."""
        return self.directory / "node.pid"

    def create(self) -> None:
        """Make the directory, readable by its owner only, unless it is there.

        Raises:
            StoreError: it cannot be made, or is there but cannot be used.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The home {self.directory} cannot be made: {error.strerror}.") from error
        if not os.access(self.directory, os.R_OK | os.W_OK | os.X_OK):
            raise StoreError(f"The home {self.directory} cannot be read and written by this user.")

    def hold(self) -> HomeLock:
        """Be the one process that has this home open, for as long as the lock is held.

        Raises:
            InUseError: another process has it open, or the lock file cannot be made (StoreError).
        """
        return HomeLock(self.lock)


def profiles_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a user's profiles with names lie side by side."""
    return _own(environment) / "profiles"


def _own(environment: Mapping[str, str]) -> Path:
    # XDG base directories, https://specifications.freedesktop.org/basedir-spec/: relative is ignored.
    base = Path(environment.get("XDG_DATA_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "share") / "p2pchat"
