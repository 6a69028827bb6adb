"""Reading typed fields out of decoded CBOR: exact types, bounds, one error.

`True` is an `int` to Python; here it is not. Every reader raises `DecodeError` and nothing else.
"""

from __future__ import annotations

from typing import TypeVar

from p2pchat.core.codec import Value as Value
from p2pchat.core.ids import Id
from p2pchat.errors import DecodeError

T = TypeVar("T")
I = TypeVar("I", bound=Id)  # noqa: E741


def array(value: Value, length: int) -> list[Value]:
    """`value` as a list of exactly `length` items."""
    if type(value) is not list or len(value) != length:
        raise DecodeError(f"expected an array of {length}")
    return value


def items(value: Value, *, most: int) -> list[Value]:
    """`value` as a list of at most `most` items."""
    if type(value) is not list or len(value) > most:
        raise DecodeError(f"expected an array of at most {most}")
    return value


def integer(value: Value, *, low: int = 0, high: int = 2**53) -> int:
    """`value` as an int in [low, high); a bool is not an int."""
    if type(value) is not int or not low <= value < high:
        raise DecodeError(f"expected an integer from {low} below {high}")
    return value


def boolean(value: Value) -> bool:
    """`value` as a bool."""
    if type(value) is not bool:
        raise DecodeError("expected true or false")
    return value


def blob(value: Value, *, least: int = 0, most: int) -> bytes:
    """`value` as bytes of `least` to `most` bytes."""
    if type(value) is not bytes or not least <= len(value) <= most:
        raise DecodeError(f"expected {least} to {most} bytes")
    return value


def text(value: Value, *, least: int = 0, most: int) -> str:
    """`value` as text of `least` to `most` UTF-8 bytes."""
    if type(value) is not str or not least <= len(value.encode()) <= most:
        raise DecodeError(f"expected text of {least} to {most} bytes")
    return value


def mapping(value: Value, *, most: int = 64) -> dict[str, Value]:
    """`value` as a map of at most `most` keys."""
    if type(value) is not dict or len(value) > most:
        raise DecodeError(f"expected a map of at most {most}")
    return value


def identifier(value: Value, kind: type[I]) -> I:
    """`value` as an id of `kind`."""
    if type(value) is not bytes:
        raise DecodeError(f"expected a {kind.__name__}")
    return kind(value)
