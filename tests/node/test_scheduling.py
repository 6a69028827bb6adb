"""What is to be said later is said once, when its time has come, unless I decided otherwise meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.core.content import MAX_TIMER_S
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.features import maintenance

NUMBERS = count(3300)
HOUR_MS = 3_600_000


@pytest.fixture
def pair(workshop: Any) -> Iterator[tuple[Any, Any]]:
    ann, ben = workshop.contacts(next(NUMBERS))
    yield ann, ben
    ann.close()
    ben.close()


def plan(person: Any, text: str, hours: float, **more: Any) -> Any:
    at_ms = person._now_ms() + int(hours * HOUR_MS)
    return person.change("message.schedule", s.Schedule(chat="ben", text=text, at_ms=at_ms, **more))


def let_pass(person: Any, hours: float) -> None:
    """What a node does that runs again after so long."""
    person._clock += int(hours * HOUR_MS)
    if person.database.read(lambda tx: maintenance.is_time(person.app, tx)):
        person.database.transact(lambda tx: maintenance.keep_time(person.app, tx))


def waiting(person: Any) -> list[s.Scheduled]:
    return list(person.query("message.scheduled", s.Nothing()).scheduled)


def test_a_message_is_said_when_its_time_has_come_and_only_once(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    plan(ann, "second", 2)
    plan(ann, "first", 1)
    assert [one.text for one in waiting(ann)] == ["first", "second"]
    let_pass(ann, 0.5)
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == []
    let_pass(ann, 24)
    ann.crash()
    let_pass(ann, 24)
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == ["first", "second"]
    assert waiting(ann) == []


def test_it_answers_and_vanishes_as_was_said_when_it_was_planned(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    asked = ben.change("message.send", s.Send(chat="ann", text="when?"))
    workshop.rest(ann, ben)
    plan(ann, "now", 1, reply=asked.id, expire_s=60)
    let_pass(ann, 2)
    workshop.rest(ann, ben)
    (said,) = (one for one in ben.messages(ann) if one.text == "now")
    assert said.reply == asked.id
    assert 0 < said.expires_ms - said.received_ms <= 61_000


def test_what_was_cancelled_is_not_said(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    planned = plan(ann, "never", 1)
    ann.change("message.unschedule", s.ScheduledId(id=planned.id[:6]))
    let_pass(ann, 2)
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == []
    with pytest.raises(NotFoundError):
        ann.change("message.unschedule", s.ScheduledId(id=planned.id))


def test_what_may_not_be_said_any_more_stays_with_the_reason(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    plan(ann, "dear ben", 1)
    ann.change("contact.block", s.Who(who="ben"))
    let_pass(ann, 2)
    assert [(one.text, "blocked" in one.refused) for one in waiting(ann)] == [("dear ben", True)]
    ann.change("contact.unblock", s.Who(who="ben"))
    let_pass(ann, 2)
    workshop.rest(ann, ben)
    assert ben.texts_of(ann) == []  # it is for Ann to say whether it still holds
    ann.change("contact.block", s.Who(who="ben"))
    with pytest.raises(NotAllowedError):
        plan(ann, "dear ben", 1)


def test_a_restored_backup_says_nothing_a_second_time(workshop: Any, tmp_path: Path) -> None:
    ann, ben, cleo = workshop.members(next(NUMBERS))
    plan(ann, "happy birthday", 1)
    ann.back_up(tmp_path / "backup")
    let_pass(ann, 2)
    workshop.rest(ann, ben, cleo)
    again = workshop.restored(ann, tmp_path / "backup")
    let_pass(again, 2)
    workshop.rest(again, ben, cleo)
    assert ben.texts_of(again) == ["happy birthday"]
    assert ["backup" in one.refused for one in waiting(again)] == [True]
    for person in (again, ben, cleo):
        person.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": -1},
        {"hours": 24 * 366 * 6},
        {"hours": 1, "text": "  "},
        {"hours": 1, "expire_s": 0},
        {"hours": 1, "expire_s": MAX_TIMER_S + 1},
    ],
)
def test_what_could_not_be_said_cannot_be_planned(pair: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        plan(pair[0], **{"text": "hi"} | wrong)
    assert waiting(pair[0]) == []


def test_one_message_may_vanish_sooner_than_its_chat(workshop: Any, pair: Any) -> None:
    ann, ben = pair
    ann.change("chat.timer", s.ChatTimer(chat="ben", seconds=86_400))
    ann.change("message.send", s.Send(chat="ben", text="short", expire_s=60))
    ann.change("message.send", s.Send(chat="ben", text="long"))
    workshop.rest(ann, ben)
    lasts = {one.text: (one.expires_ms - one.received_ms) // 1000 for one in ben.messages(ann)}
    assert (lasts["short"], lasts["long"]) == (60, 86_400)
