"""Links of mine behind which I decide who comes into a group, and who asks by them."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import EntryId, GroupId, PersonId
from p2pchat.store.transaction import Reader, Row, Transaction

_DOOR = "link, conversation, key, max_uses, uses, expires_ms"
_ASKING = "conversation, person, link, name, card, asked_ms, rejected"


@dataclass(frozen=True, slots=True)
class Door:
    """A link by which people can ask."""

    link: EntryId  # in place of the operation that makes a link for all members
    group: GroupId
    key: bytes  # public half of its secret
    max_uses: int
    uses: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who wants to come in."""

    group: GroupId
    person: PersonId
    link: EntryId
    name: str
    card: bytes
    asked_ms: int
    rejected: bool = False


def put(tx: Transaction, door: Door) -> None:
    """Keep a link."""
    tx.execute(
        f"INSERT INTO door ({_DOOR}) VALUES (?, ?, ?, ?, ?, ?)",
        (door.link, door.group, door.key, door.max_uses, door.uses, door.expires_ms),
    )


def get(tx: Reader, link: EntryId) -> Door | None:
    """The link of that id, or None."""
    row = tx.one(f"SELECT {_DOOR} FROM door WHERE link = ?", (link,))
    return _door(row) if row else None


def of(tx: Reader, group: GroupId) -> list[Door]:
    """My links into a group, the next to expire first."""
    rows = tx.execute(f"SELECT {_DOOR} FROM door WHERE conversation = ? ORDER BY expires_ms", (group,))
    return [_door(row) for row in rows]


def use(tx: Transaction, link: EntryId) -> None:
    """Somebody came in by it."""
    tx.execute("UPDATE door SET uses = uses + 1 WHERE link = ?", (link,))


def close(tx: Transaction, link: EntryId) -> None:
    """Nobody can ask by it any more; who asked, asks on."""
    tx.execute("DELETE FROM door WHERE link = ?", (link,))


def ask(tx: Transaction, one: Asking) -> None:
    """Somebody asks, perhaps again with a newer card."""
    tx.execute(
        f"INSERT OR REPLACE INTO asking ({_ASKING}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (one.group, one.person, one.link, one.name, one.card, one.asked_ms, one.rejected),
    )


def who_asks(tx: Reader, group: GroupId) -> list[Asking]:
    """All who ask, and those who were rejected, in their order."""
    rows = tx.execute(f"SELECT {_ASKING} FROM asking WHERE conversation = ? ORDER BY asked_ms", (group,))
    return [_asking(row) for row in rows]


def forget(tx: Transaction, group: GroupId, person: PersonId) -> None:
    """Somebody asks no longer."""
    tx.execute("DELETE FROM asking WHERE conversation = ? AND person = ?", (group, person))


def _door(row: Row) -> Door:
    link, group, key, max_uses, uses, expires_ms = row
    return Door(EntryId(link), GroupId(group), key, max_uses, uses, expires_ms)


def _asking(row: Row) -> Asking:
    group, person, link, name, card, asked_ms, rejected = row
    return Asking(GroupId(group), PersonId(person), EntryId(link), name, card, asked_ms, bool(rejected))
