"""My part in circulations, the tokens of probes that passed here, and invoices that I asked for."""

from __future__ import annotations

from dataclasses import dataclass

from p2pchat.core.ids import PersonId
from p2pchat.store.transaction import Reader, Row, Transaction

_COLUMNS = 19


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """My part in one circulation; units are canonical CBOR, the rest as `core.ledger.circulation.Passage`."""

    lock: bytes
    kind: str  # pay | clear | assign | swap | pass
    role: str
    from_person: PersonId | None
    from_unit: bytes | None
    incoming: int
    to_person: PersonId | None
    to_unit: bytes | None
    outgoing: int
    deadline_ms: int
    preimage: bytes | None
    clearing: bool
    cancelled: bool
    agreed: bool
    asked: bool
    onward: bytes | None
    outcome: str
    note: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class StoredAsk:
    """An invoice that I asked `payee` for, to be paid along `route`, which ends with him."""

    id: bytes
    payee: PersonId
    unit: bytes
    minor: int
    route: tuple[PersonId, ...]
    note: str
    created_ms: int


def put(tx: Transaction, passage: StoredPassage) -> None:
    """Keep a passage, or how far it got."""
    marks = ", ".join("?" * _COLUMNS)
    tx.execute(
        f"INSERT OR REPLACE INTO passage VALUES ({marks})",
        (
            passage.lock,
            passage.kind,
            passage.role,
            passage.from_person,
            passage.from_unit,
            passage.incoming,
            passage.to_person,
            passage.to_unit,
            passage.outgoing,
            passage.deadline_ms,
            passage.preimage,
            int(passage.clearing),
            int(passage.cancelled),
            int(passage.agreed),
            int(passage.asked),
            passage.onward,
            passage.outcome,
            passage.note,
            passage.created_ms,
        ),
    )


def get(tx: Reader, lock: bytes) -> StoredPassage | None:
    """The passage under `lock`, or None."""
    row = tx.one("SELECT * FROM passage WHERE lock = ?", (lock,))
    return _passage(row) if row else None


def every(tx: Reader) -> list[StoredPassage]:
    """All passages, the newest first."""
    return [_passage(row) for row in tx.execute("SELECT * FROM passage ORDER BY created_ms DESC, lock")]


def unfinished(tx: Reader) -> list[StoredPassage]:
    """Those that are open."""
    return [_passage(row) for row in tx.execute("SELECT * FROM passage WHERE outcome = 'open'")]


def count_from(tx: Reader, person: PersonId) -> int:
    """How many open passages came from `person`."""
    row = tx.one("SELECT count(*) FROM passage WHERE outcome = 'open' AND from_person = ?", (person,))
    assert row is not None
    return int(row[0])


def overdue(tx: Reader, now_ms: int) -> list[bytes]:
    """The locks of open passages past their deadline whose end nobody was asked for yet."""
    rows = tx.execute(
        "SELECT lock FROM passage WHERE outcome = 'open' AND deadline_ms < ? AND asked = 0", (now_ms,)
    )
    return [row[0] for row in rows]


def add_probe(tx: Transaction, token: bytes, sender: PersonId | None, now_ms: int, *, most: int) -> None:
    """Remember from whom a token came; of more than `most` the oldest are forgotten."""
    tx.execute("INSERT OR IGNORE INTO circle_probe VALUES (?, ?, ?)", (token, sender, now_ms))
    tx.execute(
        """DELETE FROM circle_probe WHERE token IN
           (SELECT token FROM circle_probe ORDER BY seen_ms DESC, token LIMIT -1 OFFSET ?)""",
        (most,),
    )


def probe(tx: Reader, token: bytes) -> tuple[PersonId | None] | None:
    """From whom a token came, in a tuple; None if it is not known."""
    row = tx.one("SELECT sender FROM circle_probe WHERE token = ?", (token,))
    return (PersonId(row[0]) if row[0] else None,) if row else None


def count_probes(tx: Reader, sender: PersonId, since_ms: int) -> int:
    """How many tokens `sender` sent since then."""
    row = tx.one("SELECT count(*) FROM circle_probe WHERE sender = ? AND seen_ms > ?", (sender, since_ms))
    assert row is not None
    return int(row[0])


def put_ask(tx: Transaction, ask: StoredAsk) -> None:
    """Keep what I asked for until the answer comes."""
    route = b"".join(bytes(person) for person in ask.route)
    tx.execute(
        "INSERT INTO invoice_ask VALUES (?, ?, ?, ?, ?, ?, ?)",
        (ask.id, ask.payee, ask.unit, ask.minor, route, ask.note, ask.created_ms),
    )


def take_ask(tx: Transaction, id: bytes, payee: PersonId) -> StoredAsk | None:
    """What I asked `payee` for under `id`; it is answered by this."""
    row = tx.one("SELECT * FROM invoice_ask WHERE id = ? AND payee = ?", (id, payee))
    tx.execute("DELETE FROM invoice_ask WHERE id = ? AND payee = ?", (id, payee))
    return _ask(row) if row else None


def asks(tx: Reader) -> list[StoredAsk]:
    """What I asked for and nobody has answered."""
    return [_ask(row) for row in tx.execute("SELECT * FROM invoice_ask ORDER BY created_ms DESC, id")]


def _passage(row: Row) -> StoredPassage:
    values = list(row)
    for index in (3, 6):
        values[index] = PersonId(row[index]) if row[index] else None
    for index in range(11, 15):
        values[index] = bool(row[index])
    return StoredPassage(*values)


def _ask(row: Row) -> StoredAsk:
    id, payee, unit, minor, route, note, created_ms = row
    people = tuple(PersonId(route[start : start + 32]) for start in range(0, len(route), 32))
    return StoredAsk(id, PersonId(payee), unit, minor, people, note, created_ms)
