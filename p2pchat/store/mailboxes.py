"""My mailboxes, and what I have left, or am to leave, at those of others."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.direct.frames import EnvelopeId
from p2pchat.core.ids import DeviceId, EntryId
from p2pchat.store.transaction import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Deposit:
    """A parcel that is to be left somewhere."""

    envelope: EnvelopeId
    device: DeviceId  # for which it is
    holder: str  # where: a full multiaddr, or the id of a device
    sealed: bytes
    expires_hour: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message of mine is, or should be, kept for somebody."""

    holder: str
    state: str  # due | held | refused
    reason: str
    retry_ms: int


def named(tx: Reader) -> tuple[str, ...]:
    """The addresses of my mailboxes, in the order in which I named them."""
    return tuple(row[0] for row in tx.execute("SELECT address FROM mailbox ORDER BY number"))


def token_of(tx: Reader, address: str) -> str:
    """What opens a box at one of my mailboxes, beside work; or empty."""
    row = tx.one("SELECT token FROM mailbox WHERE address = ?", (address,))
    return row[0] if row else ""


def name(tx: Transaction, address: str, token: str) -> None:
    """Add a mailbox of mine."""
    tx.execute(
        """INSERT INTO mailbox SELECT ?, coalesce(max(number), 0) + 1, ? FROM mailbox WHERE true
           ON CONFLICT DO UPDATE SET token = excluded.token""",
        (address, token),
    )


def drop(tx: Transaction, address: str) -> None:
    """Forget a mailbox of mine."""
    tx.execute("DELETE FROM mailbox WHERE address = ?", (address,))


def sealed_for(tx: Reader, device: DeviceId) -> list[tuple[EnvelopeId, bytes, bool]]:
    """Every envelope that waits for a device, oldest first, and whether there is a parcel of it."""
    rows = tx.execute(
        """SELECT envelope.id, envelope.sealed, parcel.envelope IS NOT NULL
           FROM envelope LEFT JOIN parcel ON parcel.envelope = envelope.id
           WHERE envelope.device = ? ORDER BY envelope.number""",
        (device,),
    )
    return [(EnvelopeId(row[0]), row[1], bool(row[2])) for row in rows]


def put_parcel(
    tx: Transaction, envelope: EnvelopeId, parcel_id: bytes, sealed: bytes, expires_hour: int
) -> None:
    """Keep the parcel of an envelope: the same bytes go to every holder, however often they are sent."""
    tx.execute("INSERT INTO parcel VALUES (?, ?, ?, ?)", (envelope, parcel_id, sealed, expires_hour))


def plan(
    tx: Transaction, envelope: EnvelopeId, holders: tuple[str, ...], refusing: tuple[str, ...] = ()
) -> None:
    """An envelope's parcel is to be left with these, and with no others that do not have it yet.

    What `refusing` said is remembered.
    """
    tx.executemany(
        "INSERT OR IGNORE INTO deposit (envelope, holder, state) VALUES (?, ?, 'due')",
        [(envelope, holder) for holder in holders],
    )
    kept = (*holders, *refusing)
    marks = ",".join("?" * len(kept))
    tx.execute(
        f"DELETE FROM deposit WHERE envelope = ? AND state != 'held' AND holder NOT IN ({marks})",
        (envelope, *kept),
    )


def held_by(tx: Reader, envelope: EnvelopeId) -> set[str]:
    """Who keeps an envelope's parcel."""
    rows = tx.execute("SELECT holder FROM deposit WHERE envelope = ? AND state = 'held'", (envelope,))
    return {row[0] for row in rows}


def refused_by(tx: Reader, envelope: EnvelopeId, now_ms: int) -> set[str]:
    """Who does not keep an envelope's parcel, and is not to be asked again yet."""
    rows = tx.execute(
        "SELECT holder FROM deposit WHERE envelope = ? AND state = 'refused' AND retry_ms > ?",
        (envelope, now_ms),
    )
    return {row[0] for row in rows}


def due(tx: Reader, device: DeviceId, now_ms: int, *, limit: int) -> list[Deposit]:
    """What is to be left somewhere for a device now, in the order of sealing."""
    rows = tx.execute(
        """SELECT deposit.envelope, envelope.device, deposit.holder, parcel.sealed, parcel.expires_hour
           FROM envelope JOIN deposit ON deposit.envelope = envelope.id
                         JOIN parcel ON parcel.envelope = envelope.id
           WHERE envelope.device = ? AND deposit.state != 'held' AND deposit.retry_ms <= ?
           ORDER BY envelope.number LIMIT ?""",
        (device, now_ms, limit),
    )
    return [Deposit(EnvelopeId(row[0]), DeviceId(row[1]), *row[2:]) for row in rows]


def missed(tx: Reader) -> list[str]:
    """The holders that something is to be left with later."""
    return [row[0] for row in tx.execute("SELECT DISTINCT holder FROM deposit WHERE state = 'refused'")]


def try_again(tx: Transaction, holder: str) -> None:
    """A holder is back: what is to be left with it is due now."""
    tx.execute("UPDATE deposit SET retry_ms = 0 WHERE holder = ? AND state = 'refused'", (holder,))


def set_state(
    tx: Transaction, envelope: EnvelopeId, holder: str, state: str, *, reason: str = "", retry_ms: int = 0
) -> bool:
    """Note what became of a deposit; False if the envelope is not waiting any more."""
    return bool(
        tx.execute(
            """UPDATE deposit SET state = ?, reason = ?, retry_ms = ?
               WHERE envelope = ? AND holder = ? RETURNING 1""",
            (state, reason, retry_ms, envelope, holder),
        )
    )


def expired(tx: Reader, hour: int) -> list[EnvelopeId]:
    """Envelopes whose parcels are kept by nobody any more."""
    return [
        EnvelopeId(row[0])
        for row in tx.execute("SELECT envelope FROM parcel WHERE expires_hour < ?", (hour,))
    ]


def drop_parcel(tx: Transaction, envelope: EnvelopeId) -> None:
    """Forget the parcel of an envelope and where it was left."""
    tx.execute("DELETE FROM parcel WHERE envelope = ?", (envelope,))
    tx.execute("DELETE FROM deposit WHERE envelope = ?", (envelope,))


def places(tx: Reader, entry: EntryId) -> list[Place]:
    """Where a message is kept for its recipient, or should be."""
    rows = tx.execute(
        """SELECT deposit.holder, deposit.state, deposit.reason, deposit.retry_ms
           FROM outbox JOIN deposit ON deposit.envelope = outbox.envelope
           WHERE outbox.entry = ? ORDER BY deposit.holder""",
        (entry,),
    )
    return [Place(*row) for row in rows]
