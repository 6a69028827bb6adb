"""The words of all messages, for search. The index runs a little behind the messages.

To index a text costs as much as to store it, and now and then much more (FTS5 merges segments). So a text
that comes alone is not indexed in the commit that stores it, for which somebody waits, but soon after it
with others (`StoreService`); a burst is indexed at once. Nothing has to remember what is not indexed yet:
messages are indexed in the order of their row numbers, so it is those behind the last that is. A search
takes them into a small index of its own (https://www.sqlite.org/fts5.html).
"""

from __future__ import annotations

from typing import Final

from p2pchat.store.transaction import Reader, Transaction

NAME: Final = "message_index"
MOST_BEHIND: Final = 128  # messages that are not indexed yet; one more, and a commit indexes all
_NEW: Final = "rowid > (SELECT coalesce(max(id), 0) FROM message_index_docsize)"
_SHOWN: Final = "kind NOT IN ('sealed', 'deleted')"
_TAIL: Final = """CREATE VIRTUAL TABLE IF NOT EXISTS temp.message_tail USING fts5 (
    text, prefix='2 3', tokenize='unicode61 remove_diacritics 2')"""


def catch_up(tx: Transaction) -> None:
    """Index all messages that are not indexed yet."""
    tx.execute(f"INSERT INTO message_index (rowid, text) SELECT rowid, text FROM message WHERE {_NEW}")


def behind(tx: Reader) -> int:
    """How many messages are not indexed yet, or more by those that have been deleted."""
    row = tx.one(
        """SELECT coalesce((SELECT max(rowid) FROM message), 0)
                - coalesce((SELECT max(id) FROM message_index_docsize), 0)"""
    )
    assert row is not None
    count: int = max(0, row[0])
    return count


def find(tx: Reader, query: str, *, limit: int) -> list[int]:
    """The row numbers of messages that an FTS5 query finds, the newest first."""
    found = _find_new(tx, query, limit) if behind(tx) else []
    found += tx.execute(
        f"""SELECT i.rowid FROM message_index AS i JOIN message AS m ON m.rowid = i.rowid
            WHERE message_index MATCH ? AND m.{_SHOWN} ORDER BY i.rowid DESC LIMIT ?""",
        (query, limit - len(found)),
    )
    return [row[0] for row in found]


def _find_new(tx: Reader, query: str, limit: int) -> list[tuple[int]]:
    tx.execute(_TAIL)
    tx.execute("DELETE FROM temp.message_tail")
    tx.execute(
        f"""INSERT INTO temp.message_tail (rowid, text)
            SELECT rowid, text FROM message WHERE {_NEW} AND {_SHOWN}"""
    )
    rows = tx.execute(
        "SELECT rowid FROM temp.message_tail WHERE message_tail MATCH ? ORDER BY rowid DESC LIMIT ?",
        (query, limit),
    )
    tx.execute("DELETE FROM temp.message_tail")  # no words stay in memory that may be deleted in the store
    return [(row[0],) for row in rows]
