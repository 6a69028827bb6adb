"""One process per home: an flock that the kernel drops when its holder dies, however it dies.

The file holds the holder's process id for the sentence that the second one gets. It is never
deleted: between deleting and making it anew, two processes could both believe they hold it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from p2pchat.errors import InUseError, StoreError


class HomeLock:
    """Held from the moment it is made until `release`, or until the process ends.

    A fork shares it with its parent, so take it after the last fork.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock whose file is `path`, without waiting.

        Raises:
            InUseError: another process holds it (the text names its process id), or the folder of `path`
                cannot be written (StoreError).
        """
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"The lock {path} cannot be opened: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise InUseError(
                f"{path.parent} is in use by process {holder or 'unknown'}; stop that one first."
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
