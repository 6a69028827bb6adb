"""Who is named in a text, and how readers see it."""

from __future__ import annotations

import pytest

from p2pchat.core.ids import PersonId
from p2pchat.core.mentions import MAX_MENTIONS, Mention, find, resolved

ANN, BEN, CLEO = (PersonId(bytes([number]) * 32) for number in (1, 2, 3))
NAMES = {"ann": ANN, "Ann Lee": CLEO, "ben": BEN, "b.c": BEN}


@pytest.mark.parametrize(
    ("text", "persons"),
    [
        ("@ben look", {BEN}),
        ("look, @BEN!", {BEN}),
        ("(@ben)@ann", {BEN, ANN}),
        ("@Ann Lee and @ann", {CLEO, ANN}),
        ("@ann lee's", {CLEO}),
        ("@b.c", {BEN}),
        ("@bxc", set()),
        ("mail ann@ben.org", set()),
        ("@@ben", set()),
        ("@benjamin", set()),
        ("ben", set()),
        ("@", set()),
    ],
)
def test_a_name_behind_an_at_is_a_mention_where_no_longer_word_is(text: str, persons: set[PersonId]) -> None:
    assert {one.person for one in find(text, NAMES)} == persons


def test_no_more_are_mentioned_than_a_message_may_hold() -> None:
    names = {f"p{number:02}": PersonId(bytes([number]) * 32) for number in range(50)}
    assert len(find(" ".join(f"@{name}" for name in names), names)) == MAX_MENTIONS


def test_a_reader_sees_his_own_names_once_and_nothing_else_changes() -> None:
    mine = {ANN: "ben", BEN: "the boss", CLEO: "cleo"}
    text = "@ann, @Ann Lee, @BEN: mail x@ben.org, @nobody"
    shown = resolved(text, find(text, NAMES), mine.__getitem__)
    assert shown == "@ben, @cleo, @the boss: mail x@ben.org, @nobody"


def test_who_is_mentioned_without_a_word_changes_no_text() -> None:
    assert resolved("@ben", [Mention(ANN, "")], lambda person: "x") == "@ben"
