"""Pairwise sessions that are kept open agree with what is stored, whatever becomes of a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.direct.frames import Ack
from p2pchat.node.features.chat import envelopes

_numbers = count(9_300_000)


@pytest.fixture
def trio(workshop: Any) -> Iterator[tuple[Any, Any, Any]]:
    people = workshop.members(next(_numbers))
    workshop.rest(*people)
    yield people
    for person in people:
        person.close()


class UndoneError(Exception):
    """Undoes a transaction at its end."""


def done(person: Any, act: Any) -> Any:
    """What `act` gave in a transaction that lasts."""
    return person.database.transact(act).result


def undone(person: Any, act: Any) -> Any:
    """What `act` gave in a transaction that was undone."""
    given = []

    def change(tx: Any) -> None:
        given.append(act(tx))
        raise UndoneError

    with pytest.raises(UndoneError):
        person.database.transact(change)
    return given[0]


def test_a_sealing_that_was_undone_is_done_again_from_what_is_stored(trio: tuple[Any, Any, Any]) -> None:
    ann, ben, _ = trio
    used = []
    for attempt in (done, undone, done, done):
        ann.change("message.send", s.Send(chat="ben", text="hello"))
        ((_, sealed),) = attempt(ann, lambda tx: envelopes.seal_all(ann.app, tx, ben.device, most=1))
        used.append(ann.app.sessions[ben.device][1])
        if attempt is done:
            assert isinstance(
                done(ben, lambda tx, it=sealed: envelopes.receive(ben.app, tx, ann.device, it)), Ack
            )
    assert used[0] is used[1] is not used[2] is used[3]


def test_an_opening_that_was_undone_is_done_again(trio: tuple[Any, Any, Any]) -> None:
    ann, ben, _ = trio
    for number in range(3):
        ann.change("message.send", s.Send(chat="ben", text=f"text {number}"))
        ((_, sealed),) = done(ann, lambda tx: envelopes.seal_all(ann.app, tx, ben.device, most=1))
        for attempt in (undone, done):
            took = attempt(ben, lambda tx, sealed=sealed: envelopes.receive(ben.app, tx, ann.device, sealed))
            assert isinstance(took, Ack)
    assert [one.text for one in ben.query("message.history", s.History(chat="ann", limit=3)).messages][
        -3:
    ] == ["text 0", "text 1", "text 2"]


def test_the_kept_are_as_many_as_they_may_be(
    trio: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben, cleo = trio
    monkeypatch.setattr(envelopes, "SESSIONS_KEPT", 1)
    ann.app.sessions.clear()
    for other in (ben, cleo, ben):
        ann.change("message.send", s.Send(chat=other.app.name, text="hello"))
        sealed = done(ann, lambda tx, id=other.device: envelopes.seal_all(ann.app, tx, id, most=1))
        assert (len(sealed), list(ann.app.sessions)) == (1, [other.device])
