"""What devices are still to be given: items, and the envelopes that carry them once sealed.

An item is queued in the transaction that made it. A courier seals the oldest items of a device into an
envelope, stores it, and sends exactly those bytes until the device acknowledges them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from p2pchat.core.direct.frames import EnvelopeId
from p2pchat.core.direct.items import ENTRY, Item
from p2pchat.core.ids import DeviceId, EntryId
from p2pchat.store.transaction import Reader, Transaction

_OF_KIND = f"kind = ? AND kind != '{ENTRY}'"  # the index leaves entries out: they are most of what waits
_CARRIED = "device = (SELECT device FROM envelope WHERE id = ?1) AND envelope = ?1"


@dataclass(frozen=True, slots=True)
class Queued:
    """An item in the outbox."""

    id: int
    item: Item
    entry: EntryId | None


def put(tx: Transaction, device: DeviceId, item: Item, *, entry: EntryId | None = None) -> None:
    """Queue an item for a device; `entry` is the message whose delivery it is."""
    tx.queue(
        "INSERT INTO outbox (device, kind, payload, entry) VALUES (?, ?, ?, ?)",
        (device, item.kind, item.payload, entry),
    )


def put_first(tx: Transaction, device: DeviceId, item: Item) -> None:
    """Queue an item before all others."""
    tx.execute(
        """INSERT INTO outbox (id, device, kind, payload)
           SELECT coalesce(min(id), 1) - 1, ?, ?, ? FROM outbox""",
        (device, item.kind, item.payload),
    )


def has(tx: Reader, device: DeviceId, item: Item) -> bool:
    """Whether this very item, which is no entry, waits for a device."""
    return (
        tx.one(
            f"SELECT 1 FROM outbox WHERE device = ? AND {_OF_KIND} AND payload = ?",
            (device, item.kind, item.payload),
        )
        is not None
    )


def holds(tx: Reader, device: DeviceId, kind: str) -> bool:
    """Whether an item of this kind, which is not that of entries, waits for a device."""
    return tx.one(f"SELECT 1 FROM outbox WHERE device = ? AND {_OF_KIND}", (device, kind)) is not None


def drop(tx: Transaction, device: DeviceId, kind: str, *, beginning: bytes = b"") -> None:
    """Forget unsealed items of a kind (whose payload begins so) that newer ones replace."""
    tx.execute(
        f"""DELETE FROM outbox WHERE device = ? AND {_OF_KIND} AND envelope IS NULL
            AND substr(payload, 1, ?) = ?""",
        (device, kind, len(beginning), beginning),
    )


def replace(tx: Transaction, device: DeviceId, item: Item) -> None:
    """Queue an item; an unsealed one of its kind is replaced where it stands in the queue."""
    row = tx.one(
        f"SELECT max(id) FROM outbox WHERE device = ? AND {_OF_KIND} AND envelope IS NULL",
        (device, item.kind),
    )
    if row is None or row[0] is None:
        put(tx, device, item)
    else:
        tx.execute("UPDATE outbox SET payload = ? WHERE id = ?", (item.payload, row[0]))


def copy(tx: Transaction, source: DeviceId, target: DeviceId) -> None:
    """Queue for one device what still waits for another, to be sealed anew."""
    tx.execute(
        """INSERT INTO outbox (device, kind, payload, entry)
           SELECT ?, kind, payload, entry FROM outbox WHERE device = ? ORDER BY id""",
        (target, source),
    )


def entries_for(tx: Reader, device: DeviceId) -> set[EntryId]:
    """The entries of logs that wait for a device."""
    rows = tx.execute("SELECT entry FROM outbox WHERE device = ? AND entry IS NOT NULL", (device,))
    return {EntryId(row[0]) for row in rows}


def unseal_all(tx: Transaction) -> None:
    """No envelope can be sent as it is any more: queue all items to be sealed anew."""
    tx.execute("UPDATE outbox SET envelope = NULL")
    tx.execute("DELETE FROM envelope")


def unsealed(tx: Reader, device: DeviceId, *, limit: int) -> list[Queued]:
    """The oldest items of a device that no envelope carries yet."""
    rows = tx.execute(
        """SELECT id, kind, payload, entry FROM outbox
           WHERE device = ? AND envelope IS NULL ORDER BY id LIMIT ?""",
        (device, limit),
    )
    return [Queued(row[0], Item(row[1], row[2]), EntryId(row[3]) if row[3] else None) for row in rows]


def carry(
    tx: Transaction, items: list[Queued], device: DeviceId, envelope: EnvelopeId, sealed: bytes
) -> None:
    """Store an envelope that carries `items`."""
    tx.execute(
        "INSERT INTO envelope SELECT ?, coalesce(max(number), 0) + 1, ?, ? FROM envelope",
        (envelope, device, sealed),
    )
    tx.executemany("UPDATE outbox SET envelope = ? WHERE id = ?", [(envelope, queued.id) for queued in items])


def envelopes(
    tx: Reader, device: DeviceId, *, limit: int, skip: frozenset[EnvelopeId]
) -> list[tuple[EnvelopeId, bytes]]:
    """Envelopes not yet acknowledged, in the order in which they were sealed, without those in `skip`."""
    rows = tx.execute(
        "SELECT id, sealed FROM envelope WHERE device = ? ORDER BY number LIMIT ?",
        (device, limit + len(skip)),
    )
    return [(EnvelopeId(row[0]), row[1]) for row in rows if row[0] not in skip][:limit]


def delivered(tx: Transaction, device: DeviceId, envelope: EnvelopeId) -> list[EntryId]:
    """The device has taken an envelope: forget it, and say which messages it carried."""
    if not is_pending(tx, device, envelope):
        return []
    entries = entries_of(tx, envelope)
    tx.execute("DELETE FROM outbox WHERE device = ? AND envelope = ?", (device, envelope))
    tx.execute("DELETE FROM envelope WHERE id = ?", (envelope,))
    return entries


def is_pending(tx: Reader, device: DeviceId, envelope: EnvelopeId) -> bool:
    """Whether an envelope for a device is not yet acknowledged."""
    return tx.one("SELECT 1 FROM envelope WHERE id = ? AND device = ?", (envelope, device)) is not None


def entries_of(tx: Reader, envelope: EnvelopeId) -> list[EntryId]:
    """The messages that an envelope carries."""
    rows = tx.execute(f"SELECT entry FROM outbox WHERE {_CARRIED} AND entry IS NOT NULL", (envelope,))
    return [EntryId(row[0]) for row in rows]


def device_of(tx: Reader, envelope: EnvelopeId) -> DeviceId | None:
    """The device for which an envelope waits; None if it does not any more."""
    row = tx.one("SELECT device FROM envelope WHERE id = ?", (envelope,))
    return DeviceId(row[0]) if row else None


def kinds_of(tx: Reader, envelope: EnvelopeId) -> set[str]:
    """The kinds of items that an envelope carries."""
    return {row[0] for row in tx.execute(f"SELECT DISTINCT kind FROM outbox WHERE {_CARRIED}", (envelope,))}


def unseal(tx: Transaction, device: DeviceId) -> None:
    """No envelope of a device can be opened by it: queue their items to be sealed anew."""
    tx.execute("UPDATE outbox SET envelope = NULL WHERE device = ?", (device,))
    tx.execute("DELETE FROM envelope WHERE device = ?", (device,))


def rewrite(tx: Transaction, entry: EntryId, payload: bytes) -> None:
    """Let items for `entry` that no envelope carries yet say `payload`."""
    tx.execute("UPDATE outbox SET payload = ? WHERE entry = ? AND envelope IS NULL", (payload, entry))


def discard(tx: Transaction, device: DeviceId) -> list[EntryId]:
    """Give up everything for a device; the messages whose delivery this was."""
    rows = tx.execute("SELECT entry FROM outbox WHERE device = ? AND entry IS NOT NULL", (device,))
    tx.execute("DELETE FROM outbox WHERE device = ?", (device,))
    tx.execute("DELETE FROM envelope WHERE device = ?", (device,))
    return [EntryId(row[0]) for row in rows]


def keep_only(tx: Transaction, device: DeviceId, kinds: Collection[str]) -> None:
    """Give up all for a device but items of these kinds, which are sealed anew."""
    unseal(tx, device)
    marks = ",".join("?" * len(kinds))
    tx.execute(f"DELETE FROM outbox WHERE device = ? AND kind NOT IN ({marks})", (device, *kinds))


def devices(tx: Reader) -> list[DeviceId]:
    """Devices for which something waits."""
    return [DeviceId(row[0]) for row in tx.execute("SELECT DISTINCT device FROM outbox")]


def count(tx: Reader) -> int:
    """How many items wait in all."""
    row = tx.one("SELECT count(*) FROM outbox")
    assert row is not None
    number: int = row[0]
    return number


def seen(tx: Reader, envelope: EnvelopeId) -> bool:
    """Whether an envelope was taken before."""
    return tx.one("SELECT 1 FROM envelope_seen WHERE id = ?", (envelope,)) is not None


def mark_seen(tx: Transaction, envelope: EnvelopeId, now_ms: int) -> None:
    """An envelope was taken."""
    tx.execute("INSERT OR IGNORE INTO envelope_seen VALUES (?, ?)", (envelope, now_ms))


def forget_seen(tx: Transaction, before_ms: int) -> None:
    """Forget envelopes taken long ago: should one come again, its ratchet key is gone and it is refused."""
    tx.execute("DELETE FROM envelope_seen WHERE at_ms < ?", (before_ms,))
