"""Parcels: kept once however often they come, given out oldest first, forgotten when they are taken."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.mailbox.limits import Load
from p2pchat.store.transaction import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deposit goes, and how full it is there."""

    box: bytes
    stranger: bool
    pool: Load  # what lies in the box already, of contacts or of strangers


def place(tx: Reader, tag: bytes, days: tuple[int, int]) -> Place | None:
    """The box that registered `tag` for one of the days from the first to the last; None if none did."""
    row = tx.one(
        """SELECT box.id, box.parcels, box.size FROM tag JOIN box ON box.id = tag.box
           WHERE tag.id = ? AND tag.day BETWEEN ? AND ?""",
        (tag, *days),
    )
    return Place(row[0], False, Load(row[1], row[2])) if row else None


def strangers_place(tx: Reader, box: bytes) -> Place | None:
    """The part of a box that takes from strangers; None if there is no such box."""
    row = tx.one("SELECT stranger_parcels, stranger_size FROM box WHERE id = ?", (box,))
    return Place(box, True, Load(*row)) if row else None


def holds(tx: Reader, box: bytes, id: bytes) -> bool:
    """Whether a parcel lies in a box."""
    return tx.one("SELECT 1 FROM parcel WHERE box = ? AND id = ?", (box, id)) is not None


def left_by(tx: Reader, depositor: bytes) -> Load:
    """What a depositor has left in all boxes, as far as it is still there."""
    row = tx.one("SELECT count(*), coalesce(sum(size), 0) FROM parcel WHERE depositor = ?", (depositor,))
    assert row is not None
    return Load(*map(int, row))


def put(
    tx: Transaction, place: Place, id: bytes, sealed: bytes, expires_hour: int, depositor: bytes | None = None
) -> bool:
    """Keep a parcel; False if it lies there already. It counts against the quota of `depositor`, if given."""
    added = tx.execute(
        """INSERT INTO parcel (box, id, stranger, expires_hour, size, sealed, depositor)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (box, id) DO NOTHING RETURNING size""",
        (place.box, id, int(place.stranger), expires_hour, len(sealed), sealed, depositor),
    )
    if added:
        _count(tx, place.box, place.stranger, 1, len(sealed))
    return bool(added)


def oldest(tx: Reader, box: bytes, *, size: int) -> tuple[list[bytes], bool]:
    """The oldest parcels of a box, about `size` bytes but at least one, and whether more are there."""
    # Sizes first: the rows themselves are read no further than they are wanted.
    rows = tx.execute("SELECT seq, size FROM parcel WHERE box = ? ORDER BY seq LIMIT 1025", (box,))
    wanted: list[int] = []
    for seq, length in rows:
        if wanted and (length > size or len(wanted) == 1024):
            break
        wanted.append(seq)
        size -= length
    if not wanted:
        return [], False
    found = tx.execute(
        "SELECT sealed FROM parcel WHERE box = ? AND seq <= ? ORDER BY seq LIMIT ?",
        (box, wanted[-1], len(wanted)),
    )
    return [row[0] for row in found], len(rows) > len(wanted)


def forget(tx: Transaction, box: bytes, ids: tuple[bytes, ...]) -> int:
    """Drop parcels of a box; those that are not there are no matter. How many bytes were freed."""
    freed = 0
    for id in ids:
        for stranger, size in tx.execute(
            "DELETE FROM parcel WHERE box = ? AND id = ? RETURNING stranger, size", (box, id)
        ):
            _count(tx, box, bool(stranger), -1, -size)
            freed += size
    return freed


def expire(tx: Transaction, hour: int, *, limit: int) -> int:
    """Drop at most `limit` parcels that were to be kept until `hour` or before; how many were dropped."""
    gone = tx.execute(
        """DELETE FROM parcel WHERE seq IN
               (SELECT seq FROM parcel WHERE expires_hour < ? ORDER BY expires_hour LIMIT ?)
           RETURNING box, stranger, size""",
        (hour, limit),
    )
    for box, stranger, size in gone:
        _count(tx, box, bool(stranger), -1, -size)
    return len(gone)


def _count(tx: Transaction, box: bytes, stranger: bool, parcels: int, size: int) -> None:
    columns = ("stranger_parcels", "stranger_size") if stranger else ("parcels", "size")
    tx.execute(
        f"UPDATE box SET {columns[0]} = {columns[0]} + ?, {columns[1]} = {columns[1]} + ? WHERE id = ?",
        (parcels, size, box),
    )
