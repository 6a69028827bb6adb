"""Deliveries name entries by number: in a store that knew them by id, each stays with its entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.store import deliveries, events, logs, outbox
from p2pchat.store.database import Database
from p2pchat.store.fresh import make
from p2pchat.store.migrate import MIGRATIONS, load
from p2pchat.store.transaction import Transaction

KEY = b"k" * 32
CHAT, DEVICE = ConversationId(b"c" * 32), DeviceId(b"d" * 32)
ANN, BEN = PersonId(b"a" * 32), PersonId(b"b" * 32)
VERSION = 15  # the last with deliveries by id


def id_of(number: int) -> EntryId:
    return EntryId(bytes([200 - 7 * number]) * 32)  # in an order of their own


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    old = make(path, KEY, load(MIGRATIONS)[:VERSION])
    for number in range(1, 9):
        if number == 4:
            continue  # so that the numbers of rows have a gap
        old.execute(
            """INSERT INTO entry (rowid, id, conversation, device, seq, lamport, kind, header, signature,
                   knows, received_ms) VALUES (?, ?, ?, ?, ?, ?, 'message', x'00', x'00', x'', 0)""",
            (number, id_of(number), CHAT, DEVICE, number, number),
        )
        for person, state in ((ANN, "delivered"), (BEN, "failed" if number == 5 else "queued")):
            old.execute(
                "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, 0)",
                (id_of(number), person, state, number, "no" if state == "failed" else ""),
            )
        old.execute("INSERT INTO event (at_ms, type, data) VALUES (?, 'test', '{}')", (number,))
        old.execute("INSERT INTO outbox (device, kind, payload) VALUES (?, 'entry', x'00')", (DEVICE,))
    old.execute("DELETE FROM event WHERE seq < 7")
    old.close()
    return path


def test_every_delivery_stays_with_its_entry(path: Path) -> None:
    with Database.open(path, KEY) as database:
        for number in (1, 2, 3, 5, 6, 7, 8):
            ben = ("failed", "no") if number == 5 else ("queued", "")
            of = database.read(lambda tx, n=number: deliveries.of(tx, id_of(n)))
            assert [(one.person, one.state, one.reason) for one in of] == [
                (ANN, "delivered", ""),
                (BEN, *ben),
            ]
        moved = database.transact(
            lambda tx: deliveries.advance_chain(tx, CHAT, DEVICE, 3, BEN, "delivered", 9)
        ).result
        assert sorted(moved) == sorted(id_of(number) for number in (1, 2, 3))


def test_the_log_keeps_its_ends_and_events_go_on_counting(path: Path) -> None:
    def tell(tx: Transaction) -> int:
        return events.record(tx, "test", {}, 9).seq

    with Database.open(path, KEY) as database:
        end = database.read(lambda tx: logs.chain_head(tx, CHAT, DEVICE))
        assert end is not None
        assert (end.seq, end.id) == (8, id_of(8))
        assert database.transact(tell).result == 8
        assert database.read(outbox.count) == 7
