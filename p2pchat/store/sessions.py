"""Ratchet states as opaque bytes: one per remote device, and the sender keys of groups."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import ConversationId, DeviceId
from p2pchat.store.transaction import Reader, Transaction


@dataclass(frozen=True, slots=True)
class SenderKeyRow:
    """A sender key that we hold."""

    group: ConversationId
    state: bytes
    first_hand: bool


def pairwise(tx: Reader, device: DeviceId) -> bytes | None:
    """The sessions with a device, or None."""
    row = tx.one("SELECT state FROM ratchet WHERE device = ?", (device,))
    return row[0] if row else None


def put_pairwise(tx: Transaction, device: DeviceId, state: bytes) -> None:
    """Keep the sessions with a device as they are after a step."""
    # A state as long as the one before is written over it; REPLACE would give its pages up and take others.
    tx.execute(
        """INSERT INTO ratchet VALUES (?, ?)
           ON CONFLICT (device) DO UPDATE SET state = excluded.state""",
        (device, state),
    )


def drop_pairwise(tx: Transaction, device: DeviceId) -> None:
    """Forget the sessions with a device that is no more."""
    tx.execute("DELETE FROM ratchet WHERE device = ?", (device,))


def drop_own(tx: Transaction) -> None:
    """Forget every session that this device was a party of: it becomes another device."""
    tx.execute("DELETE FROM ratchet")
    tx.execute("DELETE FROM sender_session")
    tx.execute("DELETE FROM sender_key_sent")


def all_inbound(tx: Reader) -> list[tuple[bytes, ConversationId, DeviceId, bytes]]:
    """All sender keys that we hold: session, group, author, state."""
    rows = tx.execute("SELECT session, conversation, device, state FROM sender_key")
    return [(row[0], ConversationId(row[1]), DeviceId(row[2]), row[3]) for row in rows]


def outbound(tx: Reader, group: ConversationId) -> tuple[bytes, bytes] | None:
    """What we seal a group's messages with, and the membership it was made for; or None."""
    row = tx.one("SELECT state, view FROM sender_session WHERE conversation = ?", (group,))
    return (row[0], row[1]) if row else None


def put_outbound(tx: Transaction, group: ConversationId, state: bytes, view: bytes) -> None:
    """Keep our sender session of a group."""
    tx.queue("INSERT OR REPLACE INTO sender_session VALUES (?, ?, ?)", (group, state, view))


def drop_outbound(tx: Transaction, group: ConversationId) -> None:
    """Make the next message start a new sender session."""
    tx.execute("DELETE FROM sender_session WHERE conversation = ?", (group,))


def sent_to(tx: Reader, session: bytes) -> frozenset[DeviceId]:
    """The devices that were given the key of our session."""

    def load() -> frozenset[DeviceId]:
        rows = tx.execute("SELECT device FROM sender_key_sent WHERE session = ?", (session,))
        return frozenset(DeviceId(row[0]) for row in rows)

    return tx.remembered("sender_key_sent", session, load)


def mark_sent(tx: Transaction, session: bytes, device: DeviceId) -> None:
    """A device is given the key of our session (it is in the outbox)."""
    tx.execute("INSERT OR IGNORE INTO sender_key_sent VALUES (?, ?)", (session, device))


def inbound(tx: Reader, session: bytes, author: DeviceId) -> SenderKeyRow | None:
    """What is held of a device's sender key, or None."""

    def load() -> SenderKeyRow | None:
        row = tx.one(
            "SELECT conversation, state, first_hand FROM sender_key WHERE session = ? AND device = ?",
            (session, author),
        )
        return SenderKeyRow(ConversationId(row[0]), row[1], bool(row[2])) if row else None

    return tx.remembered("sender_key", session + author, load)


def inbound_named(tx: Reader, group: ConversationId, session: bytes) -> list[bytes]:
    """The states of all sender keys of this name in a group; more than one if somebody claims another's."""
    rows = tx.execute("SELECT state FROM sender_key WHERE session = ? AND conversation = ?", (session, group))
    return [row[0] for row in rows]


def count_inbound(tx: Reader, group: ConversationId, author: DeviceId) -> int:
    """How many sender keys of a device are held for a group."""
    row = tx.one("SELECT count(*) FROM sender_key WHERE conversation = ? AND device = ?", (group, author))
    assert row is not None
    count: int = row[0]
    return count


def put_inbound(
    tx: Transaction,
    session: bytes,
    group: ConversationId,
    author: DeviceId,
    state: bytes,
    *,
    first_hand: bool = True,
) -> None:
    """Keep a sender key, and whether its author gave it himself."""
    tx.execute(
        """INSERT OR REPLACE INTO sender_key (session, device, conversation, state, first_hand)
           VALUES (?, ?, ?, ?, ?)""",
        (session, author, group, state, first_hand),
    )
