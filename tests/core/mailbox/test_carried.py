"""The file that carries messages by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core.codec import encode
from p2pchat.core.mailbox.carried import MAX_CARRIED, Carried
from p2pchat.errors import DecodeError

MAGIC = b"p2pchat-bundle\n"


def test_what_was_packed_is_found_again() -> None:
    carried = Carried((b"a" * 1024, b"b" * 4096), (b"veiled",))
    assert Carried.decode(carried.encode()) == carried
    assert Carried.decode(Carried((), ()).encode()) == Carried((), ())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        MAGIC,
        encode([1, [], []]),
        MAGIC + encode([2, [], []]),
        MAGIC + encode([1, []]),
        MAGIC + encode([1, [b"a" * 1023], []]),
        MAGIC + encode([1, ["a" * 1024], []]),
        MAGIC + encode([1, [], [b""]]),
        MAGIC + encode([1, [], [b"x" * 65_537]]),
        MAGIC + encode([1, [], [b"x"] * 4097]),
        MAGIC + encode([1, [], []]) + b"\0",
        MAGIC + b"\0" * (MAX_CARRIED + 1),
    ],
    ids=lambda raw: raw[:24].hex(),
)
def test_what_is_no_bundle_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        Carried.decode(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(raw: bytes) -> None:
    try:
        Carried.decode(MAGIC + raw)
    except DecodeError:
        return
