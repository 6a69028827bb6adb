"""A profile of which a page is damaged is repaired and goes on, and forks nothing that it signed before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.errors import StoreError
from p2pchat.node.profile import Profile
from p2pchat.store import keystore, logs
from p2pchat.store.keystore import Protection
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.recount import recount

PAGE = 4096
NUMBERS = count(5_000_000)
SAID = [f"ann says {number}" for number in range(8)]


@pytest.fixture
def trio(workshop: Any) -> Iterator[tuple[Any, Any, Any]]:
    ann, ben, cleo = workshop.members(next(NUMBERS))
    for text in SAID:
        ann.change("message.send", s.Send(chat="ben", text=text))
    workshop.rest(ann, ben, cleo)
    key = ann.home.directory.name.encode().ljust(32, b".")
    keystore.protect(ann.home.key_file, key, Protection.FILE)
    yield ann, ben, cleo
    ben.close()
    cleo.close()


def leaves(person: Any, table: str) -> list[int]:
    rows = person.database.read(
        lambda tx: tx.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,))
    )
    return [number for (number,) in rows]


def damage(person: Any, number: int) -> None:
    person.database.settle()
    person.close()
    data = bytearray(person.home.store.read_bytes())
    data[(number - 1) * PAGE + 1000] ^= 0xFF
    person.home.store.write_bytes(data)


def repaired(workshop: Any, person: Any) -> tuple[Any, bool]:
    done = Profile.repair(person.home)
    return workshop.person(
        person.home.directory, seed=next(NUMBERS), clock_ms=person._clock
    ), done.is_new_device


def texts(person: Any, other: Any) -> list[str]:
    return [one.text for one in person.messages(other) if one.kind == "text"]


def test_lost_entries_make_a_new_device_that_forks_nothing(trio: Any, workshop: Any) -> None:
    ann, ben, cleo = trio
    damage(ann, leaves(ann, "entry")[-1])
    again, is_new = repaired(workshop, ann)
    assert is_new
    assert again.device != ann.device
    again.change("message.send", s.Send(chat="ben", text="where was I?"))
    workshop.rest(again, ben, cleo)
    assert texts(ben, again) == texts(again, ben) == [*SAID, "where was I?"]
    assert ben.database.read(lambda tx: tx.execute("SELECT * FROM equivocation")) == []
    again.close()


def test_lost_lines_of_the_chat_leave_the_device_as_it_was(trio: Any, workshop: Any) -> None:
    ann, ben, cleo = trio
    damage(ann, leaves(ann, "message")[0])
    again, is_new = repaired(workshop, ann)
    assert not is_new
    assert again.device == ann.device
    again.change("message.send", s.Send(chat="ben", text="still here"))
    workshop.rest(again, ben, cleo)
    assert texts(ben, again) == [*SAID, "still here"]
    again.close()


def test_who_it_belonged_to_cannot_be_made_up(trio: Any) -> None:
    ann, *_ = trio
    (page,) = leaves(ann, "meta")[:1]
    damage(ann, page)
    before = ann.home.store.read_bytes()
    with pytest.raises(StoreError):
        Profile.repair(ann.home)
    assert ann.home.store.read_bytes() == before


def test_what_is_counted_anew_is_what_was_counted(trio: Any, workshop: Any) -> None:
    ann, *_ = trio

    def counted() -> Any:
        return ann.database.read(
            lambda tx: (
                sorted(tx.execute("SELECT * FROM head")),
                [StoredLog(tx, row[0]).state() for row in tx.execute("SELECT id FROM conversation")],
                tx.execute("SELECT operations, last_operation FROM conversation"),
            )
        )

    before = counted()
    ann.database.transact(recount)
    assert counted() == before
    ann.close()


def test_whichever_page_is_damaged_it_is_repaired_or_refused_in_a_sentence(trio: Any, workshop: Any) -> None:
    ann, *_ = trio
    ann.close()
    whole = ann.home.store.read_bytes()
    outcomes: Counter[bool] = Counter()
    for number in range(1, len(whole) // PAGE + 1, 4):
        ann.home.store.write_bytes(whole)
        ann._open()
        damage(ann, number)
        try:
            again, _ = repaired(workshop, ann)
        except StoreError:
            outcomes[False] += 1
            continue
        outcomes[True] += 1
        assert again.database.read(lambda tx: tx.one("PRAGMA integrity_check")) == ("ok",)
        again.query("chat.list", s.ChatQuery())
        again.close()
    assert outcomes[True] > 4 * outcomes[False]


def test_what_founded_a_group_comes_back_from_the_membership(trio: Any, workshop: Any) -> None:
    ann, *_ = trio
    before = ann.database.read(lambda tx: logs.operations_since(tx, workshop.group, 0))
    ann.database.transact(lambda tx: tx.execute("DELETE FROM entry WHERE id = ?", (before[0].id,)))
    ann.database.transact(recount)
    assert ann.database.read(lambda tx: logs.operations_since(tx, workshop.group, 0)) == before
    ann.close()
