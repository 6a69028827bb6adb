"""What bots remember, and what they may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pchat.api import schema as s
from p2pchat.bots.rules import Cursor, params_of
from p2pchat.config import Home
from p2pchat.errors import StoreError, UsageError


def test_a_cursor_is_kept_and_is_none_at_first(tmp_path: Path) -> None:
    cursor = Cursor(Home(tmp_path), "echo")
    assert cursor.read() is None
    cursor.write(17)
    cursor.write(18)
    assert Cursor(Home(tmp_path), "echo").read() == 18
    assert Cursor(Home(tmp_path), "other").read() is None


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "\x00"])
def test_the_name_of_a_bot_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Cursor(Home(tmp_path), name)


def test_a_damaged_cursor_is_told_and_not_taken_for_the_beginning(tmp_path: Path) -> None:
    cursor = Cursor(Home(tmp_path), "echo")
    cursor.write(1)
    cursor.path.write_text("soon")
    with pytest.raises(StoreError, match=r"echo\.cursor"):
        cursor.read()


def test_parameters_are_those_of_the_table() -> None:
    assert params_of("message.send", {"chat": "bob", "text": "hi"}) == s.Send(chat="bob", text="hi")
    for method, fields in (("message.sned", {}), ("message.send", {"chat": 3, "text": "hi"})):
        with pytest.raises(UsageError):
            params_of(method, fields)
