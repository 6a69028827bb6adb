"""Who has nothing to do with a group writes nothing into its log, whoever carries it."""

from __future__ import annotations

from typing import Any

from p2pchat.core.group.encoding import encode_operation
from p2pchat.core.group.operations import KIND, Rename
from p2pchat.core.ids import PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.core.log.entry import author
from p2pchat.node.features.group import group_log
from p2pchat.store import logs


def test_an_operation_of_a_stranger_is_not_stored(workshop: Any) -> None:
    ann, ben, cleo = workshop.members(9002)
    key = SigningKey(b"stranger".ljust(32))
    heads, lamport = ann.database.read(lambda tx: logs.heads(tx, workshop.group))
    entry = author(
        key,
        workshop.group,
        chain=None,
        heads=heads,
        lamport=lamport,
        sent_ms=ann.app.now_ms(),
        kind=KIND,
        body=encode_operation(Rename(PersonId(key.public), "mine")),
    )
    taken = ann.database.transact(lambda tx: group_log.take_entries(ann.app, tx, workshop.group, [entry]))
    assert taken.result == 0
    assert not ann.database.read(lambda tx: logs.has(tx, entry.id))
    for person in (ann, ben, cleo):
        person.close()
