"""What is kept beside the entries of the logs and follows from them, worked out anew.

A repaired store may have lost entries, or rows that count them. Reconciliation compares the counts with
those of others, so they must fit what is there.
"""

from __future__ import annotations

from p2pchat.core.group.operations import KIND as OPERATION
from p2pchat.core.ids import ConversationId, EntryId
from p2pchat.core.log.entry import Entry, Header
from p2pchat.store import reconcile
from p2pchat.store.transaction import Transaction


def recount(tx: Transaction) -> None:
    """Find the heads of all logs, the sums of their stretches and the number of operations."""
    _regain_geneses(tx)
    tx.execute("DELETE FROM head")
    tx.execute("DELETE FROM bucket")
    for (raw,) in tx.execute("SELECT DISTINCT conversation FROM entry"):
        _recount(tx, ConversationId(raw))
    tx.execute(
        f"""UPDATE conversation SET operations = (SELECT count(*) FROM entry AS e
               WHERE e.conversation = conversation.id AND e.kind = '{OPERATION}'),
             last_operation = (SELECT e.id FROM entry AS e
               WHERE e.conversation = conversation.id AND e.kind = '{OPERATION}'
               ORDER BY e.number DESC LIMIT 1)
           WHERE kind = 'group'"""
    )
    tx.execute("DELETE FROM delivery WHERE entry NOT IN (SELECT number FROM entry)")  # it is given to others


def _regain_geneses(tx: Transaction) -> None:
    """Put entries that found groups back before all others: without them a log means nothing."""
    for (raw,) in tx.execute("SELECT genesis FROM membership WHERE genesis != x''"):
        genesis = Entry.decode(raw)
        header, id = genesis.header, genesis.id
        tx.execute(
            """INSERT OR IGNORE INTO entry
               SELECT coalesce(min(number), 1) - 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
                      coalesce(min(received_ms), 0) FROM entry""",
            (
                id,
                genesis.conversation,
                header.device,
                header.seq,
                header.lamport,
                header.kind,
                genesis.raw_header,
                genesis.signature,
                genesis.body,
                id,  # it knows itself
            ),
        )


def _recount(tx: Transaction, conversation: ConversationId) -> None:
    places: dict[bytes, int] = {}
    referred: set[bytes] = set()
    buckets = reconcile.BucketCounter(conversation)
    for id, lamport, header in tx.execute(
        "SELECT id, lamport, header FROM entry WHERE conversation = ? ORDER BY lamport, id", (conversation,)
    ):
        places[id] = lamport
        referred |= Header.decode(header).referred
        buckets.add(tx, (lamport, EntryId(id)))
    buckets.write(tx)
    tx.executemany(
        "INSERT INTO head VALUES (?, ?, ?)",
        [(conversation, id, lamport) for id, lamport in places.items() if id not in referred],
    )
