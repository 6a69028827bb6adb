"""One value, one byte string: everything else is refused."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.errors import DecodeError

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
)

NOT_CANONICAL = {
    "regular expression": b"\xd8\x23\x61a",
    "bignum": b"\xc2\x42\x01\x00",
    "date": b"\xc1\x01",
    "shared reference": b"\xd8\x1c\x81\xd8\x1d\x00",
    "string reference": b"\xd9\x01\x00\x81\x61a",
    "address": b"\xd9\x01\x04\x44\x01\x02\x03\x04",
    "MIME message": b"\xd8\x24\x61a",
    "unknown tag": b"\xd9\x27\x0f\x01",
    "self-described": b"\xd9\xd9\xf7\x01",
    "set": b"\xd9\x01\x02\x81\x01",
    "duplicate keys": b"\xa2\x61a\x01\x61a\x02",
    "unsorted keys": b"\xa2\x61b\x01\x61a\x02",
    "trailing byte": b"\x01\x02",
    "long integer": b"\x18\x01",
    "indefinite text": b"\x7f\x61a\xff",
    "indefinite array": b"\x9f\x01\xff",
    "not a number": b"\xf9\x7e\x00",
    "float": b"\xfb\x3f\xf8\0\0\0\0\0\0",
    "undefined": b"\xf7",
    "simple value": b"\xe0",
    "integer above 63 bits": b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    "integer key": b"\xa1\x01\x02",
    "deep": b"\x81" * 40 + b"\x00",
    "claim of 2**62 bytes": b"\x5b\x40\0\0\0\0\0\0\0",
    "claim of 2**62 items": b"\x9b\x40\0\0\0\0\0\0\0",
    "broken UTF-8": b"\x62\xff\xff",
    "empty": b"",
}


@given(values)
def test_decoding_gives_back_what_was_encoded(value: object) -> None:
    assert decode(encode(value)) == value


@given(values, values)
def test_equal_values_have_equal_bytes_and_others_not(one: object, other: object) -> None:
    # `==` would call True and 1 equal, which are two values here.
    assert (encode(one) == encode(other)) == (repr(one) == repr(other) or _same(one, other))


def _same(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


@given(st.binary(max_size=200))
def test_whatever_decodes_is_the_one_encoding(data: bytes) -> None:
    try:
        value = decode(data)
    except DecodeError:
        return
    assert encode(value) == data


@pytest.mark.parametrize("name", NOT_CANONICAL)
def test_other_encodings_are_refused(name: str) -> None:
    with pytest.raises(DecodeError):
        decode(NOT_CANONICAL[name])


def test_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    assert decode(encode(b"x" * 90), limit=100) == b"x" * 90
    with pytest.raises(DecodeError, match="at most 100"):
        decode(encode(b"x" * 100), limit=100)


def test_floats_are_refused_even_if_cbor_has_them() -> None:
    with pytest.raises(DecodeError):
        decode(cbor2.dumps(1.5, canonical=True))


@pytest.mark.parametrize(
    "read",
    [
        lambda: fields.integer(True),
        lambda: fields.integer(-1),
        lambda: fields.integer(2**53),
        lambda: fields.integer("1"),
        lambda: fields.boolean(1),
        lambda: fields.blob("text", most=10),
        lambda: fields.blob(b"12345", most=4),
        lambda: fields.blob(b"1", least=2, most=4),
        lambda: fields.text(b"bytes", most=10),
        lambda: fields.text("äöü", most=5),
        lambda: fields.array([1], 2),
        lambda: fields.items([1, 2, 3], most=2),
        lambda: fields.mapping([], most=2),
    ],
)
def test_fields_have_exact_types_and_bounds(read: object) -> None:
    with pytest.raises(DecodeError):
        read()  # type: ignore[operator]
