import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from p2pchat_cli.options import amount_and_note, seconds_of
from p2pchat_cli.text import ago, columns, harmless, harmless_json, lasting, width

from p2pchat.errors import UsageError

NOW = int(time.mktime((2026, 5, 14, 15, 0, 0, 0, 0, -1)) * 1000)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@given(st.text())
def test_harmless_text_controls_neither_the_terminal_nor_the_reading_direction(text: str) -> None:
    shown = harmless(text)
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in shown)
    assert not any(
        unicodedata.bidirectional(letter) in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
        for letter in shown
    )


@given(st.text(alphabet=st.characters(categories=("L", "M", "N", "P", "S"))))
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("bob\u200b", "bob\\u200b"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("\U000e0041", "\\ue0041"),
        ("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום"),
    ],
)
def test_what_could_fool_the_reader_is_written_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_the_lines_of_a_message_are_kept_but_no_other_control() -> None:
    assert harmless("one\ntwo\rthree\x07", keep_lines=True) == "one\ntwo three\\x07"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_harmless_json_means_the_same(value: object) -> None:
    document = json.dumps(value, ensure_ascii=False)
    shown = harmless_json(document)
    assert json.loads(shown) == value
    assert harmless(shown) == shown


@pytest.mark.parametrize(
    ("age_ms", "words"),
    [
        (0, "just now"),
        (59_000, "just now"),
        (-30_000, "just now"),
        (5 * MINUTE, "5 min ago"),
        (3 * HOUR, "3 h ago"),
        (7 * HOUR, "today 08:00"),
        (DAY, "yesterday 15:00"),
        (3 * DAY, "11 May 15:00"),
        (400 * DAY, "2025-04-09"),
        (-DAY, "15 May 15:00"),
    ],
)
def test_times_are_told_as_people_tell_them(age_ms: int, words: str) -> None:
    assert ago(NOW - age_ms, NOW) == words


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    lines = columns([("bob", "x"), ("\x1b[36m李雷\x1b[0m", "y"), ("e\u0301", "z")])
    assert [width(line.rpartition(" ")[0]) for line in lines] == [5, 5, 5]


def test_no_rows_are_no_lines() -> None:
    assert columns([]) == []


@pytest.mark.parametrize(
    ("typed", "seconds", "told"),
    [
        ("1s", 1, "1 s"),
        ("90s", 90, "1 min"),
        ("10m", 600, "10 min"),
        ("8h", 28_800, "8 h"),
        ("7d", 604_800, "7 d"),
    ],
)
def test_a_duration_is_typed_and_told_in_units(typed: str, seconds: int, told: str) -> None:
    assert seconds_of(typed) == seconds
    assert lasting(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "1 s"), (59, "59 s"), (28_799, "8 h"), (28_740, "7 h"), (604_799, "7 d"), (601_000, "6 d")],
)
def test_what_remains_is_told_as_it_was_a_moment_before(seconds: int, told: str) -> None:
    assert lasting(seconds) == told


@pytest.mark.parametrize("typed", ["", "8", "h", "0s", "-1h", "1.5h", "8 h", "8w", "9999999999d", "٣h"])
def test_what_is_no_duration_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        seconds_of(typed)


@pytest.mark.parametrize(
    ("words", "amount", "note"),
    [
        (["12.50", "EUR"], "12.50 EUR", ""),
        (["12.50 EUR"], "12.50 EUR", ""),
        (["12.50", "EUR", "pizza for two"], "12.50 EUR", "pizza for two"),
        (["12.50", "EUR", "pizza", "for", "two"], "12.50 EUR", "pizza for two"),
        (["12.50 EUR", "pizza", "for two"], "12.50 EUR", "pizza for two"),
        (["3"], "3", ""),
        (["-3", "EUR"], "-3 EUR", ""),
    ],
)
def test_amount_and_note_are_found_however_they_are_quoted(words: list[str], amount: str, note: str) -> None:
    assert amount_and_note(words) == (amount, note)
