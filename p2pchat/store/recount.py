"""What is kept beside the entries of the logs and follows from them, worked out anew.

A repaired store may have lost entries, or rows that count them. Reconciliation compares the counts with
those of others, so they must fit what is there.
"""

from __future__ import annotations

from p2pchat.core.group.operations import KIND as OPERATION
from p2pchat.core.ids import ConversationId, EntryId
from p2pchat.core.log.entry import Header
from p2pchat.store import reconcile
from p2pchat.store.transaction import Transaction


def recount(tx: Transaction) -> None:
    """Find the heads of all logs, the sums of their stretches and the number of operations."""
    tx.execute("DELETE FROM head")
    tx.execute("DELETE FROM bucket")
    for (raw,) in tx.execute("SELECT DISTINCT conversation FROM entry"):
        _recount(tx, ConversationId(raw))
    tx.execute(
        """UPDATE conversation SET operations = (SELECT count(*) FROM entry AS e
               WHERE e.conversation = conversation.id AND e.kind = ?1),
             last_operation = (SELECT e.id FROM entry AS e
               WHERE e.conversation = conversation.id AND e.kind = ?1 ORDER BY e.rowid DESC LIMIT 1)
           WHERE kind = 'group'""",
        (OPERATION,),
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
