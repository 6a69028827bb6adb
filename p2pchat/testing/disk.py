"""A disk beneath the encryption that fails on demand: at one write, for a while, or for ever, with what
was not synced lost in part as chance has it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import apsw

SECTOR: Final = 512  # bytes that a disk writes wholly or not at all


@dataclass
class Pending:
    """A write or truncation that has not been synced: what power loss may undo."""

    path: Path
    size_before: int
    offset: int
    old: bytes
    new: bytes | None  # None: cut off at `offset`


class Disk(apsw.VFS):
    """The disk beneath the encryption. It counts what changes it, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__("faulty", "unix")
        # Opening a file makes SQLite put its encryption on top of us.
        apsw.Connection("", vfs="multipleciphers-faulty").close()

    @contextlib.contextmanager
    def mounted(
        self, *, cut_at: int = 0, fail_at: range = range(0), failure: type[apsw.Error] = apsw.IOError
    ) -> Iterator[None]:
        """Have what is opened meanwhile on this disk.

        At operation `cut_at` the power goes (or the process dies): it and all later ones fail. The
        operations of `fail_at` fail with `failure` while the rest goes on. Afterwards `was_cut` tells whether
        it came as far as `cut_at`.
        """
        self.operations = 0
        self.dead = False
        self._cut_at = cut_at
        self._fail_at = fail_at
        self._failure = failure
        self._pending: list[Pending] = []
        apsw.set_default_vfs("multipleciphers-faulty")
        try:
            yield
        finally:
            apsw.set_default_vfs("multipleciphers-unix")
            self.was_cut, self.dead = self.dead, False

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - as SQLite calls it
        """A file on this disk."""
        return File(self, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802 - as SQLite calls it
        """A file is gone; its name lasts at once."""
        self.step()
        super().xDelete(name, sync)
        self.forget(Path(name))

    def step(self) -> None:
        """Count an operation; raises if it is to fail."""
        self.operations += 1
        if self.dead or self.operations == self._cut_at:
            self.dead = True
            raise apsw.IOError("no power")
        if self.operations in self._fail_at:
            raise self._failure("told to")

    def remember(self, pending: Pending) -> None:
        """This may be undone until its file is synced."""
        self._pending.append(pending)

    def forget(self, path: Path) -> None:
        """Nothing of this file can be undone any more."""
        self._pending = [pending for pending in self._pending if pending.path != path]

    def lose_power(self, seed: int) -> None:
        """Leave on the disk what was synced, and of the rest whatever sectors chance has written."""
        chance = random.Random(seed)
        share = chance.choice((0.0, 0.5, 0.9, 1.0))
        for pending in reversed(self._pending):
            with open(pending.path, "r+b") as file:
                file.seek(pending.offset)
                file.write(pending.old)
                file.truncate(pending.size_before)
        for pending in self._pending:
            with open(pending.path, "r+b") as file:
                if pending.new is None:
                    if chance.random() < share:
                        file.truncate(pending.offset)
                    continue
                for start in range(0, len(pending.new), SECTOR):
                    if chance.random() < share:
                        file.seek(pending.offset + start)
                        file.write(pending.new[start : start + SECTOR])
        self._pending.clear()


class File(apsw.VFSFile):
    """A file on `Disk`."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - as SQLite calls it
        """Write, and remember what stood there until a sync."""
        size = self.xFileSize()
        old = self.xRead(min(len(data), size - offset), offset) if offset < size else b""
        self._disk.remember(Pending(self._path, size, offset, old, bytes(data)))
        self._disk.step()
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - as SQLite calls it
        """Cut, and remember what stood there until a sync."""
        before = self.xFileSize()
        old = self.xRead(before - size, size) if size < before else b""
        self._disk.remember(Pending(self._path, before, size, old, None))
        self._disk.step()
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - as SQLite calls it
        """From now on what was written lasts."""
        self._disk.step()  # and no real sync: the power goes only in here
        self._disk.forget(self._path)


@cache
def the_disk() -> Disk:
    """The one disk of this process: SQLite keeps a pointer to it for as long as the process lives."""
    return Disk()
