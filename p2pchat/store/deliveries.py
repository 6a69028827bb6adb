"""How far my own messages have come, one row for each recipient.

A row names its entry by number: they are stored side by side in the order of writing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.store.transaction import Reader, Transaction

_NUMBER = "(SELECT number FROM entry WHERE id = ?)"

RANK = {"failed": 0, "ended": 1, "queued": 2, "handed": 3, "delivered": 4, "read": 5}


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a message of mine has come to one person."""

    person: PersonId
    state: str
    at_ms: int
    reason: str = ""  # why it failed
    retry_ms: int = 0  # when it is tried again


def expect(tx: Transaction, entry: EntryId, persons: Iterable[PersonId], now_ms: int) -> None:
    """A message of mine is to reach these persons."""
    expected = sorted(persons)
    for person in expected:
        tx.queue(
            # Not OR IGNORE: that would also drop a row whose entry is not there, and nobody would notice.
            f"""INSERT INTO delivery (entry, person, state, at_ms) VALUES ({_NUMBER}, ?, 'queued', ?)
                ON CONFLICT (entry, person) DO NOTHING""",
            (entry, person, now_ms),
        )
    tx.remember("delivery", entry, [Delivery(person, "queued", now_ms) for person in expected])


def advance(
    tx: Transaction, entries: Iterable[EntryId], person: PersonId, state: str, now_ms: int
) -> list[EntryId]:
    """Move deliveries to one person forward, never back: those that this moves."""
    behind = {}
    for id in entries:
        row = tx.one(
            f"SELECT entry, state FROM delivery WHERE entry = {_NUMBER} AND person = ?", (id, person)
        )
        if row and RANK[row[1]] < RANK[state]:
            behind[row[0]] = id
    return _move(tx, behind, person, state, now_ms)


def fail(
    tx: Transaction, entry: EntryId, person: PersonId, now_ms: int, *, reason: str, retry_ms: int
) -> bool:
    """The recipient refused a message; whether that is news. Should it be taken later, it advances."""
    row = tx.one(f"SELECT entry, state FROM delivery WHERE entry = {_NUMBER} AND person = ?", (entry, person))
    if row is None or row[1] not in ("queued", "handed", "failed"):
        return False
    tx.execute(
        """UPDATE delivery SET state = 'failed', at_ms = ?, reason = ?, retry_ms = ?
           WHERE entry = ? AND person = ?""",
        (now_ms, reason, retry_ms, row[0], person),
    )
    return bool(row[1] != "failed")


def try_again(tx: Transaction, entry: EntryId, now_ms: int) -> None:
    """What was refused waits as at first."""
    tx.execute(
        f"""UPDATE delivery SET state = 'queued', at_ms = ?, reason = '', retry_ms = 0
            WHERE entry = {_NUMBER} AND state = 'failed'""",
        (now_ms, entry),
    )


def suspend(tx: Transaction, conversation: ConversationId, person: PersonId, now_ms: int) -> None:
    """What has not reached a person in a chat is not brought to him for now."""
    tx.execute(
        """UPDATE delivery SET state = 'ended', at_ms = ?, reason = '', retry_ms = 0
           WHERE person = ? AND state IN ('queued', 'handed', 'failed')
             AND entry IN (SELECT number FROM entry WHERE conversation = ?)""",
        (now_ms, person, conversation),
    )


def resume(tx: Transaction, conversation: ConversationId, person: PersonId, now_ms: int) -> list[EntryId]:
    """What was suspended is to be brought to a person again: these entries, in the order of the log."""
    rows = tx.execute(
        """SELECT e.id, e.number FROM delivery AS d JOIN entry AS e ON e.number = d.entry
           WHERE d.person = ? AND d.state = 'ended' AND e.conversation = ? ORDER BY e.lamport, e.id""",
        (person, conversation),
    )
    tx.executemany(
        "UPDATE delivery SET state = 'queued', at_ms = ? WHERE entry = ? AND person = ?",
        [(now_ms, row[1], person) for row in rows],
    )
    return [EntryId(row[0]) for row in rows]


def take_back(tx: Transaction, entries: Iterable[EntryId], person: PersonId, now_ms: int) -> None:
    """Nobody keeps these messages for a person any more: they wait here again."""
    tx.executemany(
        f"""UPDATE delivery SET state = 'queued', at_ms = ?
            WHERE entry = {_NUMBER} AND person = ? AND state = 'handed'""",
        [(now_ms, entry, person) for entry in entries],
    )


def end(tx: Transaction, conversation: ConversationId, members: Collection[PersonId], now_ms: int) -> None:
    """Nothing more is brought to those who are no members: what waits for them does so in vain.

    Should one come back, what he then gets is delivered all the same.
    """
    rows = tx.execute(
        """SELECT d.entry, d.person FROM delivery AS d JOIN entry AS e ON e.number = d.entry
           WHERE d.state IN ('queued', 'handed') AND e.conversation = ?""",
        (conversation,),
    )
    tx.executemany(
        "UPDATE delivery SET state = 'ended', at_ms = ? WHERE entry = ? AND person = ?",
        [(now_ms, entry, person) for entry, person in rows if PersonId(person) not in members],
    )


def advance_chain(
    tx: Transaction,
    conversation: ConversationId,
    device: DeviceId,
    height: int,
    person: PersonId,
    state: str,
    now_ms: int,
) -> list[EntryId]:
    """A person holds (`delivered`) or has seen (`read`) all that my `device` wrote up to `height`.

    Gives his deliveries that this moves.
    """
    behind = "d.state IN ('queued', 'handed', 'ended')" if state == "delivered" else "d.state != 'read'"
    rows = tx.execute(
        f"""SELECT e.number, e.id FROM delivery AS d CROSS JOIN entry AS e ON e.number = d.entry
            WHERE d.person = ? AND {behind} AND e.conversation = ? AND e.device = ? AND e.seq <= ?""",
        (person, conversation, device, height),
    )
    return _move(tx, {row[0]: EntryId(row[1]) for row in rows}, person, state, now_ms)


def read_up_to(
    tx: Transaction, conversation: ConversationId, lamport: int, person: PersonId, now_ms: int
) -> list[EntryId]:
    """A person has seen everything up to `lamport`: his deliveries that this moves."""
    rows = tx.execute(
        """SELECT e.number, e.id FROM delivery AS d CROSS JOIN entry AS e ON e.number = d.entry
                                CROSS JOIN message AS m ON m.id = e.id
           WHERE d.person = ? AND d.state != 'read' AND e.conversation = ? AND e.lamport <= ? AND m.mine""",
        (person, conversation, lamport),
    )
    return _move(tx, {row[0]: EntryId(row[1]) for row in rows}, person, "read", now_ms)


def _move(
    tx: Transaction, entries: dict[int, EntryId], person: PersonId, state: str, now_ms: int
) -> list[EntryId]:
    for number, id in entries.items():
        tx.queue(
            "UPDATE delivery SET state = ?, at_ms = ? WHERE entry = ? AND person = ?",
            (state, now_ms, number, person),
        )
        tx.forget("delivery", id)
    return list(entries.values())


def forget(tx: Transaction, entry: EntryId) -> None:
    """Nobody is to get an entry any more."""
    tx.execute(f"DELETE FROM delivery WHERE entry = {_NUMBER}", (entry,))


def of(tx: Reader, entry: EntryId) -> list[Delivery]:
    """How far a message has come, one row for each recipient."""

    def load() -> list[Delivery]:
        rows = tx.execute(
            f"""SELECT person, state, at_ms, reason, retry_ms FROM delivery
                WHERE entry = {_NUMBER} ORDER BY person""",
            (entry,),
        )
        return [Delivery(PersonId(row[0]), *row[1:]) for row in rows]

    return tx.remembered("delivery", entry, load)
