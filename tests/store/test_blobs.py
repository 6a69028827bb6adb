"""Sealed files beside the store: nothing in the clear, nothing believed, nothing replaced, nothing left."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from p2pchat.core.files import chunks
from p2pchat.core.files.attachment import Attachment
from p2pchat.core.files.chunks import CHUNK_SIZE, SEALED_SIZE
from p2pchat.core.ids import FileId
from p2pchat.errors import ProtocolError, StoreError, UsageError
from p2pchat.store.blobs import Blobs, BrokenError, Part

SIZE = 3 * CHUNK_SIZE + 1000
DATA = b"a secret of mine" * (SIZE // 16 + 1)
DATA = DATA[:SIZE]


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "files")


@pytest.fixture
def other(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "other")


def put(blobs: Blobs, data: bytes = DATA, name: str = "a.pdf") -> Attachment:
    pieces = (data[at : at + 1000] for at in range(0, len(data), 1000))
    return blobs.seal(pieces, len(data), name, "application/pdf", os.urandom)


@contextmanager
def a_disk_with(room: int) -> Iterator[None]:
    """No file may grow beyond `room` bytes: writes fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE, SIZE])
def test_what_is_sealed_opens_and_is_nowhere_in_the_clear(blobs: Blobs, tmp_path: Path, size: int) -> None:
    about = put(blobs, DATA[:size])
    assert b"".join(blobs.opened(about)) == DATA[:size]
    assert blobs.save(about, tmp_path).read_bytes() == DATA[:size]
    (blob,) = blobs.folder.iterdir()
    assert b"secret" not in blob.read_bytes()
    assert blob.stat().st_mode & 0o777 == 0o600
    assert blobs.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("said", [SIZE - 1, SIZE + 1])
def test_a_file_that_changes_while_it_is_read_is_not_sent(blobs: Blobs, said: int) -> None:
    with pytest.raises(UsageError):
        blobs.seal([DATA], said, "a.pdf", "", os.urandom)
    assert list(blobs.folder.iterdir()) == []


def test_nothing_is_replaced(blobs: Blobs, tmp_path: Path) -> None:
    about = put(blobs)
    (tmp_path / "a.pdf").write_text("mine")
    (tmp_path / "a (1).pdf").symlink_to("/nowhere")
    saved = blobs.save(about, tmp_path)
    assert saved == tmp_path / "a (2).pdf"
    assert (tmp_path / "a.pdf").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"files", "a.pdf", "a (1).pdf", "a (2).pdf"}


def fetch(source: Blobs, about: Attachment, part: Part, upto: int) -> None:
    if not part.hashes:
        part.take_hashes(source.hashes(about))
    for number in range(part.came, upto):
        part.take(number, *source.sealed(about, number, 1))


def crash_after(source: Blobs, about: Attachment, target: Blobs, count: int) -> None:
    """Some chunks have come, and nothing was finished."""
    part = target.part(about)
    fetch(source, about, part, count)
    part.close()


def test_what_came_before_a_crash_is_not_fetched_again(blobs: Blobs, other: Blobs, tmp_path: Path) -> None:
    about = put(blobs)
    crash_after(blobs, about, other, 2)
    again = other.part(about)
    assert again.came == 2
    assert other.came(about) == 2 * CHUNK_SIZE
    assert not other.has(about)
    fetch(blobs, about, again, again.count)
    again.finish()
    again.close()
    assert other.has(about)
    assert b"".join(other.opened(about)) == DATA
    assert [path.name for path in other.folder.iterdir()] == [about.id.text]


@pytest.mark.parametrize(
    ("at", "left"), [(0, 0), (32 * 4, 0), (32 * 4 + SEALED_SIZE, 1), (32 * 4 + SEALED_SIZE + 9, 1)]
)
def test_what_a_disk_spoilt_is_fetched_again(blobs: Blobs, other: Blobs, at: int, left: int) -> None:
    about = put(blobs)
    crash_after(blobs, about, other, 3)
    part = other.folder / f"{about.id.text}.part"
    with part.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    again = other.part(about)
    assert again.came == left
    fetch(blobs, about, again, again.count)
    again.finish()
    again.close()
    assert b"".join(other.opened(about)) == DATA


def test_a_chunk_is_checked_before_it_is_written(blobs: Blobs, other: Blobs) -> None:
    about = put(blobs)
    part = other.part(about)
    with pytest.raises(ProtocolError):
        part.take_hashes(bytes(32 * part.count))
    fetch(blobs, about, part, 1)
    for number, sealed in ((1, bytes(SEALED_SIZE)), (2, *blobs.sealed(about, 2, 1)), (1, b"")):
        with pytest.raises(ProtocolError):
            part.take(number, sealed)
    part.close()
    assert part.came == 1
    assert (other.folder / f"{about.id.text}.part").stat().st_size == 32 * 4 + SEALED_SIZE


def test_what_its_author_sealed_badly_is_told_from_what_a_carrier_spoilt(other: Blobs) -> None:
    sealed = bytes(1000 + chunks.TAG_SIZE)
    hashes = chunks.hash_of(sealed)
    about = Attachment("a", "a/b", 1000, b"k" * 32, chunks.root_of(1000, hashes))
    part = other.part(about)
    part.take_hashes(hashes)
    with pytest.raises(BrokenError):
        part.take(0, sealed)
    part.close()


def test_a_full_disk_is_told_in_a_sentence_and_loses_nothing(
    blobs: Blobs, other: Blobs, tmp_path: Path
) -> None:
    about = put(blobs)
    part = other.part(about)
    fetch(blobs, about, part, 1)
    with a_disk_with(32 * 4 + SEALED_SIZE + 5000):
        with pytest.raises(StoreError, match="cannot be used: "):
            fetch(blobs, about, part, 2)
        with pytest.raises(StoreError, match="cannot be used: "):
            blobs.save(about, tmp_path)
        with pytest.raises(StoreError, match="cannot be used: "):
            put(other)
    part.close()
    assert {path.name for path in tmp_path.iterdir()} == {"files", "other"}
    assert [path.name for path in other.folder.iterdir()] == [f"{about.id.text}.part"]
    again = other.part(about)
    assert again.came == 1
    fetch(blobs, about, again, again.count)
    again.finish()
    again.close()
    assert b"".join(other.opened(about)) == DATA


def test_more_than_the_disk_has_is_not_begun(blobs: Blobs) -> None:
    about = Attachment("a", "a/b", chunks.MAX_SIZE, b"k" * 32, b"r" * 32)
    free = os.statvfs(blobs.folder.parent)
    if free.f_bavail * free.f_frsize > chunks.MAX_SIZE * 1.1:
        pytest.skip("this disk has room for the largest file")
    with pytest.raises(StoreError, match="too little room"):
        blobs.part(about)


def test_what_nobody_names_is_swept_away(blobs: Blobs) -> None:
    kept, lost = put(blobs), put(blobs)
    (blobs.folder / "0a1b.new").write_bytes(b"half")
    (blobs.folder / f"{FileId(b'f' * 32).text}.part").write_bytes(b"half")
    blobs.sweep({kept.id})
    assert [path.name for path in blobs.folder.iterdir()] == [kept.id.text]
    assert not blobs.has(lost)
