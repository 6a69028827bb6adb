"""The bytes of files, sealed, in a folder beside the store: nothing is ever there in the clear.

A blob is the list of the hashes of its chunks and, behind it, the sealed chunks, as they go over the
wire; the key is in the store alone. What is being fetched is the same under another name, as far as it
has come. Nothing else remembers how far: after a crash each chunk is looked at anew, so that what a disk
lost is fetched again and not believed.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, cast

from p2pchat.core.files import chunks
from p2pchat.core.files.attachment import Attachment
from p2pchat.core.files.chunks import CHUNK_SIZE, HASH_SIZE, KEY_SIZE, MAX_SIZE, SEALED_SIZE
from p2pchat.core.files.names import media_type, safe_name
from p2pchat.core.ids import FileId
from p2pchat.errors import DecodeError, ProtocolError, StoreError, UsageError
from p2pchat.files import publish

RESERVE: Final = 64 * 1024 * 1024  # bytes of the disk that are left for the store
_PART: Final = ".part"  # being fetched
_NEW: Final = ".new"  # being sealed
_MOST_COPIES: Final = 10_000  # "name (9999).pdf"


class Blobs:
    """The blobs in `folder`, which is made when something is first put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def seal(
        self, pieces: Iterable[bytes], size: int, name: str, kind: str, entropy: Callable[[int], bytes]
    ) -> Attachment:
        """Put a file of `size` bytes here, sealed under a fresh key; what a message has to say of it.

        Raises:
            UsageError: it is too large, or `pieces` hold more or less than `size` bytes.
            StoreError: the disk is full or failed; nothing is left behind.
        """
        if size > MAX_SIZE:
            raise UsageError(f"a file has at most {MAX_SIZE // 1024**3} GiB")
        self._make_room(chunks.sealed_size(size))
        key = entropy(KEY_SIZE)
        fresh = self.folder / (entropy(16).hex() + _NEW)
        with self._written(fresh):
            with _open(fresh, "xb") as file:
                hashes = _seal_all(file, pieces, size, key)
                file.seek(0)
                _write(file, hashes)
                os.fsync(file.fileno())
            about = Attachment(safe_name(name), media_type(kind), size, key, chunks.root_of(size, hashes))
            publish(fresh, self._path(about.id))
        return about

    def has(self, about: Attachment) -> bool:
        """Whether all of a file is here."""
        with suppress(OSError):
            return self._path(about.id).stat().st_size == _blob_size(about.size)
        return False

    def hashes(self, about: Attachment) -> bytes:
        """The hashes of the chunks of a file that is here. Raises StoreError."""
        return self._read(about, 0, HASH_SIZE * chunks.count_of(about.size))

    def sealed(self, about: Attachment, first: int, count: int) -> list[bytes]:
        """Sealed chunks of a file that is here. Raises StoreError."""
        start = HASH_SIZE * chunks.count_of(about.size)
        sizes = [chunks.size_of_chunk(about.size, number) for number in range(first, first + count)]
        data = memoryview(self._read(about, start + SEALED_SIZE * first, sum(sizes)))
        return [bytes(data[SEALED_SIZE * at : SEALED_SIZE * at + one]) for at, one in enumerate(sizes)]

    def opened(self, about: Attachment, first: int = 0) -> Iterator[bytes]:
        """A file that is here in the clear, chunk by chunk from `first` on. Raises StoreError."""
        for number in range(first, chunks.count_of(about.size)):
            (sealed,) = self.sealed(about, number, 1)
            try:
                yield chunks.unseal(about.key, about.size, number, sealed)
            except ProtocolError as error:
                raise StoreError(f"The copy of {about.name} on this disk is damaged: {error}.") from error

    def save(self, about: Attachment, folder: Path, name: str = "") -> Path:
        """Write a file that is here into `folder` in the clear, under a name that is free there.

        What is there is never replaced. The name appears when all of the file is on the disk.

        Raises:
            StoreError: it is not here, or `folder` cannot be written, or is full.
        """
        fresh = folder / f".{about.id.short}.{os.getpid()}{_PART}"
        try:
            with self._written(fresh):
                fresh.unlink(missing_ok=True)
                with _open(fresh, "xb") as file:
                    for piece in self.opened(about):
                        _write(file, piece)
                    os.fsync(file.fileno())
                return _publish_new(fresh, folder, safe_name(name or about.name))
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)

    def part(self, about: Attachment) -> Part:
        """A file that is to be fetched, as far as it has come before. Raises StoreError."""
        path = self._path(about.id)
        part = path.with_name(path.name + _PART)
        came = part.stat().st_size if part.exists() else 0
        self._make_room(_blob_size(about.size) - came)
        with _failures(part):
            return Part(about, part, path)

    def came(self, about: Attachment) -> int:
        """How many bytes of a file that is being fetched have come, by the size of what is there."""
        path = self._path(about.id)
        with suppress(OSError):
            size = path.with_name(path.name + _PART).stat().st_size
            start = HASH_SIZE * chunks.count_of(about.size)
            return max(0, (size - start) // SEALED_SIZE * CHUNK_SIZE)
        return 0

    def discard(self, ids: Iterable[FileId]) -> None:
        """Remove what is here of files."""
        for id in ids:
            path = self._path(id)
            for one in (path, path.with_name(path.name + _PART)):
                with suppress(OSError):
                    one.unlink(missing_ok=True)

    def sweep(self, known: set[FileId]) -> None:
        """Remove what belongs to none of `known`, and what was left half-sealed."""
        names = {id.text for id in known}
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.suffix == _NEW or path.name.removesuffix(_PART) not in names:
                with suppress(OSError):
                    path.unlink()

    def _path(self, id: FileId) -> Path:
        return self.folder / id.text

    def _read(self, about: Attachment, at: int, size: int) -> bytes:
        path = self._path(about.id)
        with _failures(path), path.open("rb") as file:
            file.seek(at)
            data = file.read(size)
        if len(data) != size:
            raise StoreError(f"The copy of {about.name} on this disk is damaged: it is too short.")
        return data

    def _make_room(self, size: int) -> None:
        with _failures(self.folder):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        if size + RESERVE > free:
            raise StoreError(
                f"The disk has too little room: {size / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB "
                f"are free, of which {RESERVE / 1e6:.0f} MB are kept for messages."
            )

    @contextmanager
    def _written(self, fresh: Path) -> Iterator[None]:
        try:
            with _failures(fresh):
                yield
        except BaseException:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise


class Part:
    """A file that is being fetched: chunks are taken in order, each checked before it is written.

    Whoever has a chunk that opens for nobody has it from the author: `is_broken`.
    """

    def __init__(self, about: Attachment, path: Path, whole: Path) -> None:
        self._about = about
        self._path = path
        self._whole = whole
        self._file = _open(path, "r+b" if path.exists() else "x+b")
        self.hashes = b""
        self.count = chunks.count_of(about.size)
        self.came = 0  # chunks
        self._look()

    @property
    def is_whole(self) -> bool:
        """Whether all chunks are here."""
        return self.came == self.count

    def take_hashes(self, hashes: bytes) -> None:
        """The list of hashes. Raises ProtocolError if it is not the one that the message names."""
        chunks.check_hashes(self._about.size, self._about.root, hashes)
        with _failures(self._path):
            self._file.seek(0)
            self._file.truncate(0)
            _write(self._file, hashes)
        self.hashes = hashes

    def take(self, number: int, sealed: bytes) -> None:
        """The next chunk.

        Raises:
            ProtocolError: it is not the next, or not the one that the message names.
            BrokenError: it is, but its author sealed something that does not open.
            StoreError: the disk is full or failed; what came before stands.
        """
        if number != self.came:
            raise ProtocolError(f"chunk {self.came} was asked for, chunk {number} came")
        chunks.check_chunk(self._about.size, self.hashes, number, sealed)
        try:
            chunks.unseal(self._about.key, self._about.size, number, sealed)
        except ProtocolError as error:
            raise BrokenError(str(error)) from error
        with _failures(self._path):
            self._file.seek(self._start + SEALED_SIZE * number)
            _write(self._file, sealed)
        self.came += 1

    def finish(self) -> None:
        """All chunks are here: let the file be here. Raises StoreError."""
        assert self.is_whole
        with _failures(self._path):
            self._file.truncate(_blob_size(self._about.size))
            os.fsync(self._file.fileno())
            publish(self._path, self._whole)

    def close(self) -> None:
        """Go on another time."""
        self._file.close()

    @property
    def _start(self) -> int:
        return HASH_SIZE * self.count

    def _look(self) -> None:
        """Find out what came before, and believe nothing that does not have the right hash."""
        hashes = self._file.read(self._start)
        try:
            chunks.check_hashes(self._about.size, self._about.root, hashes)
        except ProtocolError:
            return
        self.hashes = hashes
        with suppress(ProtocolError):
            while not self.is_whole:
                sealed = self._file.read(chunks.size_of_chunk(self._about.size, self.came))
                chunks.check_chunk(self._about.size, hashes, self.came, sealed)
                self.came += 1


class BrokenError(DecodeError):
    """A chunk is what its author sealed, and does not open: nobody has a better one."""


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """What `file` holds, in pieces of the size of a chunk."""
    while piece := file.read(CHUNK_SIZE):
        yield piece


def _seal_all(file: BinaryIO, pieces: Iterable[bytes], size: int, key: bytes) -> bytes:
    """Write the sealed chunks behind the room for their hashes; the hashes."""
    count = chunks.count_of(size)
    file.seek(HASH_SIZE * count)
    hashes: list[bytes] = []
    for number, piece in enumerate(_cut(pieces, size)):
        sealed = chunks.seal(key, size, number, piece)
        hashes.append(chunks.hash_of(sealed))
        _write(file, sealed)
    return b"".join(hashes)


def _cut(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """`pieces`, joined and cut to chunks. Raises UsageError if they hold more or less than `size` bytes."""
    waiting, seen = bytearray(), 0
    for piece in pieces:
        seen += len(piece)
        if seen > size:
            break
        waiting += piece
        while len(waiting) > CHUNK_SIZE:
            yield bytes(waiting[:CHUNK_SIZE])
            del waiting[:CHUNK_SIZE]
    if seen != size:
        raise UsageError("the file has changed while it was read, or has no fixed size; it was not sent")
    yield bytes(waiting)  # of an empty file too


def _publish_new(fresh: Path, folder: Path, name: str) -> Path:
    for path in _free_names(folder, name):
        try:
            os.link(fresh, path)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            # The file system knows no links: take the name first, so that nothing is replaced.
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            publish(fresh, path)
            return path
        fresh.unlink()
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return path
    raise StoreError(f"There are too many files called {name} in {folder}.")


def _free_names(folder: Path, name: str) -> Iterator[Path]:
    yield folder / name
    stem, dot, suffix = name.rpartition(".")
    for number in range(1, _MOST_COPIES):
        yield folder / (f"{stem} ({number}){dot}{suffix}" if stem else f"{name} ({number})")


def _blob_size(size: int) -> int:
    return HASH_SIZE * chunks.count_of(size) + chunks.sealed_size(size)


def _open(path: Path, mode: str) -> BinaryIO:
    """A file that the owner alone may read; what is written is at once where others see it."""

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return cast(BinaryIO, open(path, mode, buffering=0, opener=private))


def _write(file: BinaryIO, data: bytes) -> None:
    """All of `data`: an unbuffered file may take a part, when the disk is nearly full."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"The file {path} cannot be used: {error.strerror}.") from error
