"""The search index follows the messages, though it is written only once for each commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.store import messages
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


@pytest.mark.parametrize("apart", [True, False])
def test_what_was_edited_or_deleted_is_found_as_it_is(database: Database, apart: bool) -> None:
    changes = [
        lambda tx: [add(tx, text) for text in ("old fish", "dead fish", "good fish")],
        lambda tx: messages.edit(tx, id_of("old fish"), "new bird", 2),
        lambda tx: messages.forget(tx, id_of("dead fish")),
        lambda tx: messages.delete(tx, id_of("good fish")),
    ]
    for some in [[change] for change in changes] if apart else [changes]:
        assert all(not isinstance(one, Exception) for one in database.transact_each(some))
    assert database.read(found("fish")) == []
    assert database.read(found("bird")) == ["new bird"]


def test_a_number_that_is_used_again_is_found_under_its_new_words(database: Database) -> None:
    database.transact(lambda tx: add(tx, "first fish"))
    database.transact(lambda tx: messages.forget(tx, id_of("first fish")))
    database.transact(lambda tx: add(tx, "second fish"))
    database.transact(lambda tx: [messages.forget(tx, id_of("second fish")), add(tx, "third fish")])
    assert database.read(found("fish")) == ["third fish"]


def test_as_many_segments_as_commits_not_as_messages(database: Database) -> None:
    def segments(tx: Reader) -> int:
        return len(tx.execute("SELECT DISTINCT segid FROM message_index_idx"))

    database.transact_each([lambda tx, n=n: add(tx, f"fish {n}") for n in range(50)])
    assert database.read(segments) == 1
