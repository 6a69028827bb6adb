import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pchat.core.ledger.memo import Memo, memo_hash, pack, unpack
from p2pchat.errors import DecodeError, UsageError

SALT = bytes(range(16))


@settings(deadline=None)
@given(st.text(max_size=100), st.text(max_size=20), st.lists(st.binary(min_size=32, max_size=32), max_size=2))
def test_a_note_survives_packing(text, category, attachments):
    memo = Memo(text, category, tuple(attachments))
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text + category):
        return
    try:
        note = pack(memo, SALT)
    except UsageError:
        assert len((text + category).encode()) > 200
        return
    assert unpack(note) == memo


def test_the_salt_hides_the_text_from_the_hash():
    memo = Memo("rent")
    assert memo_hash(pack(memo, SALT)) != memo_hash(pack(memo, bytes(16)))


def test_a_note_that_is_too_long_is_refused():
    with pytest.raises(UsageError):
        pack(Memo("x" * 500), SALT)
    with pytest.raises(UsageError):
        pack(Memo("", "", (bytes(32),) * 5), SALT)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "lunch",
        "[]",
        '{"salt":"","text":1}',
        '{"salt":"","text":"","x":1}',
        '{"salt":"","text":"","attachments":["AA=="]}',
    ],
)
def test_what_is_no_note_is_refused(note):
    with pytest.raises(DecodeError):
        unpack(note)
