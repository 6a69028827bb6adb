"""Boxes: who may deposit in one, how full it is, and when its owner came last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from p2pchat.store.transaction import Reader, Transaction

TAG_BYTES: Final = 256  # what a tag takes on the disk, with its index


@dataclass(frozen=True, slots=True)
class StoredBox:
    """A box with its sums."""

    id: bytes
    parcels: int
    size: int  # bytes
    stranger_parcels: int
    stranger_size: int
    tags: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What all boxes hold together."""

    boxes: int
    parcels: int
    size: int  # bytes, those that tags take included


def get(tx: Reader, box: bytes) -> StoredBox | None:
    """A box, or None."""
    row = tx.one(
        "SELECT id, parcels, size, stranger_parcels, stranger_size, tags FROM box WHERE id = ?",
        (box,),
    )
    return StoredBox(*row) if row else None


def make(tx: Transaction, box: bytes, now_ms: int) -> None:
    """Have a box, of an owner who has not come yet."""
    tx.execute("INSERT INTO box (id, visited_ms) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", (box, now_ms))


def visit(tx: Transaction, box: bytes, now_ms: int) -> None:
    """The owner of a box is here; it is made if it is new."""
    tx.execute(
        """INSERT INTO box (id, visited_ms) VALUES (?, ?)
           ON CONFLICT (id) DO UPDATE SET visited_ms = excluded.visited_ms""",
        (box, now_ms),
    )


def admit(tx: Transaction, box: bytes, node: bytes, day: int, tags: tuple[bytes, ...]) -> int:
    """Take deposits for a box under `tags` on `day`, and under no others that `node` was given for it.

    Gives back how many more tags there are now.
    """
    ours = (box, node, day)
    gone = tx.execute("DELETE FROM tag WHERE box = ? AND node = ? AND day = ? RETURNING day", ours)
    # A tag that another box claims can only be of the contact whom both know: he deceives himself.
    tx.executemany(
        "INSERT INTO tag (id, box, node, day) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        [(tag, box, node, day) for tag in tags],
    )
    row = tx.one("SELECT count(*) FROM tag WHERE box = ? AND node = ? AND day = ?", ours)
    assert row is not None
    more = int(row[0]) - len(gone)  # a tag given twice is one
    tx.execute("UPDATE box SET tags = tags + ? WHERE id = ?", (more, box))
    return more


def fingerprint(tx: Reader, box: bytes, node: bytes) -> bytes | None:
    """What the owner said of the tags that he gave to `node`, or None."""
    row = tx.one("SELECT fingerprint FROM admitted WHERE box = ? AND node = ?", (box, node))
    return row[0] if row else None


def set_fingerprint(tx: Transaction, box: bytes, node: bytes, fingerprint: bytes) -> None:
    """What the owner says of the tags that he gave to `node`."""
    tx.execute(
        """INSERT INTO admitted (box, node, fingerprint) VALUES (?, ?, ?)
           ON CONFLICT (box, node) DO UPDATE SET fingerprint = excluded.fingerprint""",
        (box, node, fingerprint),
    )


def remove(tx: Transaction, box: bytes) -> None:
    """Forget a box with everything in it."""
    for sql in (
        "DELETE FROM parcel WHERE box = ?",
        "DELETE FROM tag WHERE box = ?",
        "DELETE FROM admitted WHERE box = ?",
        "DELETE FROM box WHERE id = ?",
    ):
        tx.execute(sql, (box,))


def abandoned(tx: Reader, before_ms: int, *, limit: int) -> list[bytes]:
    """Boxes whose owners were last here before then."""
    rows = tx.execute(
        "SELECT id FROM box WHERE visited_ms < ? ORDER BY visited_ms LIMIT ?", (before_ms, limit)
    )
    return [row[0] for row in rows]


def forget_tags(tx: Transaction, before_day: int) -> None:
    """Drop tags of days that are over."""
    gone = Counter(row[0] for row in tx.execute("DELETE FROM tag WHERE day < ? RETURNING box", (before_day,)))
    tx.executemany("UPDATE box SET tags = tags - ? WHERE id = ?", [(n, box) for box, n in gone.items()])


def sums(tx: Reader) -> Sums:
    """What is held in all."""
    row = tx.one(
        """SELECT count(*), coalesce(sum(parcels + stranger_parcels), 0),
               coalesce(sum(size + stranger_size + tags * ?), 0) FROM box""",
        (TAG_BYTES,),
    )
    assert row is not None
    return Sums(*map(int, row))
