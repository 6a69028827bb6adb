"""What is typed and not sent is kept for all faces, and gone once the chat was written to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2pchat.api import schema as s
from p2pchat.api.methods import CHANGES
from p2pchat.core.content import MAX_TEXT
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.effects import Passing

NUMBERS = count(3100)
CHAT = s.Chat(chat="ben")


@pytest.fixture
def ann(workshop: Any) -> Iterator[Any]:
    ann, ben = workshop.contacts(next(NUMBERS))
    ben.close()
    yield ann
    ann.close()


def draft(person: Any) -> str:
    return str(person.query("chat.show", CHAT).draft)


def test_a_draft_is_there_after_a_restart_until_something_is_sent(ann: Any) -> None:
    ann.change("chat.draft", s.ChatDraft(chat="ben", text="dear\nben"))
    ann.crash()
    assert draft(ann) == "dear\nben"
    listed = {one.chat: one.draft for one in ann.query("chat.list", s.ChatQuery()).chats}
    assert listed["@ben"] == "dear\nben"
    ann.change("message.send", s.Send(chat="ben", text="dear ben"))
    assert draft(ann) == ""


def test_faces_are_told_of_a_draft_but_no_event_keeps_it(ann: Any) -> None:
    cursor = ann.query("node.status", s.Nothing()).cursor
    params = s.ChatDraft(chat="ben", text="secret thought")
    done = ann.database.transact(lambda tx: CHANGES["chat.draft"](ann.app, tx, params))
    (told,) = done.effects
    assert isinstance(told, Passing)
    assert (told.type, told.data) == ("chat.draft", {"chat": "@ben"})
    assert ann.query("node.status", s.Nothing()).cursor == cursor


@pytest.mark.parametrize(
    ("chat", "text", "error"),
    [("ben", "x" * (MAX_TEXT + 1), UsageError), ("ben", "\ud800", UsageError), ("zoe", "x", NotFoundError)],
)
def test_what_cannot_be_kept_is_refused(ann: Any, chat: str, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ann.change("chat.draft", s.ChatDraft(chat=chat, text=text))
