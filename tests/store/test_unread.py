"""What was read of a store in which one mark for each chat said so is read, and the rest is not."""

from __future__ import annotations

from pathlib import Path

from p2pchat.core.ids import ConversationId
from p2pchat.store import messages
from p2pchat.store.database import Database
from p2pchat.store.fresh import make
from p2pchat.store.migrate import MIGRATIONS, load

KEY = b"k" * 32
CHAT = ConversationId(b"c" * 32)


def test_what_was_read_before_the_change_stays_read(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    old = make(path, KEY, load(MIGRATIONS)[:2])
    old.execute("INSERT INTO conversation (id, kind, read_lamport) VALUES (?, 'direct', 2)", (bytes(CHAT),))
    for number in range(1, 5):
        old.execute(
            "INSERT INTO message"
            " (id, conversation, lamport, device, person, mine, kind, text, sent_ms, received_ms)"
            " VALUES (?, ?, ?, ?, ?, 0, 'text', ?, 0, 0)",
            (bytes([number]) * 32, bytes(CHAT), number, b"d" * 32, b"p" * 32, f"word{number}"),
        )
    old.close()
    with Database.open(path, KEY) as database:
        assert database.read(lambda tx: messages.unread(tx, CHAT)) == 2
        waiting = database.read(lambda tx: messages.arrived_unread(tx, CHAT, limit=9))
        assert [one.text for one in waiting] == ["word3", "word4"]
        found = database.read(lambda tx: messages.search(tx, ["word2"], limit=9))
        assert [one.text for one in found] == ["word2"]
