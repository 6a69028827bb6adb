"""What is searched is the messages as they are, though the index runs behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.store import messages, search_index, writer
from p2pchat.store.database import Database
from p2pchat.store.doctor import examine
from p2pchat.store.messages import Message
from p2pchat.store.migrate import MIGRATIONS
from p2pchat.store.transaction import Reader, Transaction

KEY = b"k" * 32
CHAT = ConversationId(b"c" * 32)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.create(tmp_path / "store.db", KEY, migrations=MIGRATIONS) as database:
        yield database
    assert examine(tmp_path / "store.db", KEY).problems == ()


def id_of(text: str) -> EntryId:
    return EntryId(hashlib.sha256(text.encode()).digest())


def add(tx: Transaction, text: str) -> None:
    device, person = DeviceId(b"d" * 32), PersonId(b"p" * 32)
    messages.add(tx, Message(id_of(text), CHAT, 1, device, person, True, "text", text, 1, 1))


def found(word: str) -> object:
    return lambda tx: sorted(one.text for one in messages.search(tx, [word], limit=10))


def test_what_is_committed_is_found(database: Database) -> None:
    database.transact(lambda tx: add(tx, "one fish"))
    database.transact_each([lambda tx, n=n: add(tx, f"fish {n}") for n in range(3)])
    assert database.read(found("fish")) == ["fish 0", "fish 1", "fish 2", "one fish"]


def test_what_was_undone_is_not_found(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        add(tx, "red fish")
        raise KeyError

    database.transact_each([lambda tx: add(tx, "blue fish"), fail])
    assert database.read(found("fish")) == ["blue fish"]


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_what_was_edited_or_deleted_is_found_as_it_is(database: Database, apart: bool, indexed: bool) -> None:
    changes = [
        lambda tx: [add(tx, text) for text in ("old fish", "dead fish", "good fish")],
        lambda tx: messages.edit(tx, id_of("old fish"), "new bird", 2),
        lambda tx: messages.forget(tx, id_of("dead fish")),
        lambda tx: messages.delete(tx, id_of("good fish")),
    ]
    for some in [[change] for change in changes] if apart else [changes]:
        assert all(not isinstance(one, Exception) for one in database.transact_each(some))
        if indexed:
            database.index()
    assert database.read(found("fish")) == []
    assert database.read(found("bird")) == ["new bird"]


def test_a_number_that_is_used_again_is_found_under_its_new_words(database: Database) -> None:
    database.transact(lambda tx: add(tx, "first fish"))
    database.transact(lambda tx: messages.forget(tx, id_of("first fish")))
    database.transact(lambda tx: add(tx, "second fish"))
    database.transact(lambda tx: [messages.forget(tx, id_of("second fish")), add(tx, "third fish")])
    assert database.read(found("fish")) == ["third fish"]


def segments(tx: Reader) -> int:
    return len(tx.execute("SELECT DISTINCT segid FROM message_index_idx"))


def test_a_burst_is_one_segment_of_the_index_at_once(database: Database) -> None:
    database.transact_each([lambda tx, n=n: add(tx, f"fish {n}") for n in range(search_index.MOST_BEHIND)])
    assert database.unindexed == 0
    assert database.read(segments) == 1


def test_texts_that_come_alone_are_found_before_and_after_they_are_indexed(database: Database) -> None:
    for number in range(20):
        database.transact(lambda tx, n=number: add(tx, f"fish {n}"))
    assert (database.unindexed, database.read(segments)) == (20, 0)
    before = database.read(found("fis"))
    database.index()
    assert (database.unindexed, database.read(segments)) == (0, 1)
    assert before == database.read(found("fis"))
    assert len(before) == 10


def test_the_newest_are_found_first_wherever_they_are(database: Database) -> None:
    for texts in (["fish 1", "fish 2"], ["fish 3", "fish 4"]):
        database.transact(lambda tx, some=texts: [add(tx, text) for text in some])
        if "fish 1" in texts:
            database.index()
    rows = database.read(lambda tx: messages.search(tx, ["fish"], limit=3))
    assert [one.text for one in rows] == ["fish 4", "fish 3", "fish 2"]


def test_what_was_not_indexed_when_the_store_was_left_is_found_and_indexed_later(database: Database) -> None:
    database.transact(lambda tx: add(tx, "left fish"))
    with Database.open(database.path, KEY) as again:  # as after a kill: nobody has closed the first
        assert again.read(found("fish")) == ["left fish"]
        again.transact(lambda tx: add(tx, "late fish"))
        assert again.unindexed == 2
        again.index()
        assert again.read(found("fish")) == ["late fish", "left fish"]


def test_changes_wait_for_the_disk_also_after_the_index_did_not(database: Database) -> None:
    database.transact(lambda tx: add(tx, "one fish"))
    database.index()
    assert database._connection.pragma("synchronous") == 2


async def test_the_node_indexes_soon(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "INDEX_S", 0)
    service = writer.StoreService(database, lambda effects: None)
    await service.run(lambda tx: add(tx, "one fish"))
    with trio.fail_after(60):
        while await service.read(segments) == 0:  # reading takes a thread, so others go on meanwhile
            pass
    assert database.unindexed == 0
