"""Files that messages name, and how far each is here. The bytes are in `store.blobs`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from p2pchat.core.files.attachment import Attachment
from p2pchat.core.ids import ConversationId, EntryId, FileId
from p2pchat.store.transaction import Reader, Row, Transaction

OFFERED: Final = "offered"
WANTED: Final = "wanted"
HERE: Final = "here"
BROKEN: Final = "broken"  # its author sealed something that does not open

_COLUMNS: Final = "name, media_type, size, key, root, state, at_ms"
_OF: Final = ", ".join(f"f.{name}" for name in _COLUMNS.split(", "))


@dataclass(frozen=True, slots=True)
class File:
    """A file as it stands here."""

    about: Attachment
    state: str
    at_ms: int

    @property
    def id(self) -> FileId:
        """The name under which it is asked for."""
        return self.about.id


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An effect: no message names these files any more, or I want them no longer; their bytes can go."""

    ids: tuple[FileId, ...]


def add(tx: Transaction, about: Attachment, state: str, now_ms: int) -> None:
    """A file that is not known yet; of one that is known nothing changes."""
    tx.execute(
        f"INSERT OR IGNORE INTO file (id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (about.id, about.name, about.media_type, about.size, about.key, about.root, state, now_ms),
    )


def attach(tx: Transaction, message: EntryId, ids: Sequence[FileId]) -> None:
    """A message names these files, in this order."""
    rows = [(message, place, id) for place, id in enumerate(ids)]
    tx.executemany("INSERT OR REPLACE INTO attachment VALUES (?, ?, ?)", rows)


def detach(tx: Transaction, message: EntryId) -> None:
    """A message names no files any more; those that no other names are forgotten, with their keys."""
    rows = tx.execute("DELETE FROM attachment WHERE message = ? RETURNING file", (message,))
    named = "SELECT 1 FROM attachment WHERE file = ?"
    orphans = [FileId(file) for (file,) in rows if tx.one(named, (file,)) is None]
    forget(tx, orphans)


def forget(tx: Transaction, ids: Sequence[FileId]) -> None:
    """Forget files that no message names."""
    if ids:
        tx.executemany("DELETE FROM file WHERE id = ?", [(id,) for id in ids])
        tx.effects.append(Forgotten(tuple(ids)))


def get(tx: Reader, id: FileId) -> File | None:
    """The file `id`, or None."""
    row = tx.one(f"SELECT {_COLUMNS} FROM file WHERE id = ?", (id,))
    return _file(row) if row else None


def of_message(tx: Reader, message: EntryId) -> list[File]:
    """The files that a message names, in their order."""
    rows = tx.execute(
        f"""SELECT {_OF} FROM attachment AS a JOIN file AS f ON f.id = a.file
            WHERE a.message = ? ORDER BY a.place""",
        (message,),
    )
    return [_file(row) for row in rows]


def messages_of(tx: Reader, id: FileId) -> list[EntryId]:
    """The messages that name a file, the oldest first."""
    rows = tx.execute(
        """SELECT a.message FROM attachment AS a JOIN message AS m ON m.id = a.message
           WHERE a.file = ? ORDER BY m.lamport, m.id""",
        (id,),
    )
    return [EntryId(message) for (message,) in rows]


def newest(tx: Reader, conversation: ConversationId | None, *, limit: int) -> list[tuple[File, EntryId]]:
    """Files with the messages that name them (of one chat), newest messages first."""
    where = "WHERE m.conversation = ?" if conversation else ""
    rows = tx.execute(
        f"""SELECT {_OF}, a.message FROM attachment AS a
            JOIN message AS m ON m.id = a.message JOIN file AS f ON f.id = a.file
            {where} ORDER BY m.lamport DESC, m.id DESC, a.place LIMIT ?""",
        (conversation, limit) if conversation else (limit,),
    )
    return [(_file(row[:-1]), EntryId(row[-1])) for row in rows]


def beginning_with(tx: Reader, prefix: bytes, *, limit: int) -> list[FileId]:
    """Files whose id begins with the bytes of `prefix`."""
    rows = tx.execute(
        "SELECT id FROM file WHERE id >= ? AND id < ? LIMIT ?",
        (prefix, prefix + b"\xff" * (33 - len(prefix)), limit),
    )
    return [FileId(id) for (id,) in rows]


def set_state(tx: Transaction, id: FileId, state: str, now_ms: int) -> bool:
    """A file is in another state from now on; False if it is not known any more."""
    return bool(
        tx.execute("UPDATE file SET state = ?, at_ms = ? WHERE id = ? RETURNING id", (state, now_ms, id))
    )


def wanted(tx: Reader) -> list[File]:
    """What is to be fetched, in the order in which it was wanted."""
    return [
        _file(row) for row in tx.execute(f"SELECT {_COLUMNS} FROM file WHERE state = 'wanted' ORDER BY at_ms")
    ]


def in_state(tx: Reader, state: str) -> list[FileId]:
    """All files in a state."""
    return [FileId(id) for (id,) in tx.execute("SELECT id FROM file WHERE state = ?", (state,))]


def bytes_kept(tx: Reader) -> int:
    """The size of all files that are here or on their way."""
    row = tx.one("SELECT coalesce(sum(size), 0) FROM file WHERE state IN ('here', 'wanted')")
    assert row is not None
    total: int = row[0]
    return total


def unsent(tx: Reader, before_ms: int) -> list[FileId]:
    """Files that were put here to be sent, before a time, and are in no message."""
    rows = tx.execute(
        """SELECT id FROM file WHERE at_ms < ?
           AND NOT EXISTS (SELECT 1 FROM attachment WHERE attachment.file = file.id)""",
        (before_ms,),
    )
    return [FileId(id) for (id,) in rows]


def has_any(tx: Reader) -> bool:
    """Whether there are any files."""
    return tx.one("SELECT 1 FROM file LIMIT 1") is not None


def every(tx: Reader) -> set[FileId]:
    """The ids of all files that are known."""
    return {FileId(id) for (id,) in tx.execute("SELECT id FROM file")}


def _file(row: Row) -> File:
    name, media_type, size, key, root, state, at_ms = row
    return File(Attachment(name, media_type, size, key, root), state, at_ms)
