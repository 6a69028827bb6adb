"""Canonical CBOR: one value, one byte string.

Encoding is RFC 8949 with definite lengths and shortest integers; map keys are text and sorted
length-first (RFC 7049 §3.9, what cbor2 calls canonical). Decoding refuses whatever encoding would
not have produced: tags, floats, `undefined`, duplicate or unsorted keys, indefinite lengths, long
forms, trailing bytes, deep nesting. Signatures and ids are taken over the bytes as received, so two
encodings of one value must not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NoReturn, TypeAlias

import cbor2

from p2pchat.errors import DecodeError

Value: TypeAlias = "bool | int | bytes | str | list[Value] | dict[str, Value] | None"

MAX_BYTES: Final = 64 * 1024  # the largest entry or frame body; gossip stays below it too
MAX_DEPTH: Final = 16
_BEYOND: Final = 1 << 63  # SQLite's integers; bignums would be tags, which are refused
_LEAST: Final = -_BEYOND

# cbor2 runs code for these tags unless told otherwise (regex, MIME, bignum, shared references...).
_TAGS: Final = (
    0,
    1,
    2,
    3,
    4,
    5,
    25,
    28,
    29,
    30,
    35,
    36,
    37,
    100,
    256,
    258,
    260,
    261,
    1004,
    43000,
    52,
    54,
    55799,
)


def _refuse_tag(value: object, immutable: bool) -> NoReturn:
    raise DecodeError("tags are not allowed")


_DENY: Final = dict.fromkeys(_TAGS, _refuse_tag)


def encode(value: object) -> bytes:
    """The one encoding of `value` (see `Value`; tuples count as lists)."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, *, limit: int = MAX_BYTES) -> Value:
    """The value whose one encoding is `data`.

    Raises:
        DecodeError: `data` is longer than `limit`, or is not canonical, or holds a type that `Value`
            does not name.
    """
    if len(data) > limit:
        raise DecodeError(f"{len(data)} bytes where at most {limit} are allowed")
    try:
        value: Value = cbor2.loads(
            data,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            tag_hook=_refuse_tag,
            semantic_decoders=_DENY,
        )
        _check(value)
        if cbor2.dumps(value, canonical=True) != data:
            raise DecodeError("not the canonical encoding")
    except DecodeError:
        raise
    except Exception as error:  # cbor2 raises its own and built-in errors; all mean the same to us
        raise DecodeError(f"not CBOR: {type(error).__name__}") from error
    return value


def _check(value: object) -> None:
    # One call for each array and map, not for each value in it: every message passes here.
    if type(value) is dict:
        if any(type(key) is not str for key in value):
            raise DecodeError("map keys must be text")
        items: Iterable[object] = value.values()
    else:
        items = value if type(value) is list else (value,)
    for item in items:
        kind = type(item)
        if kind is bytes or kind is str or item is None or kind is bool:
            continue
        if kind is int:
            if not _LEAST <= item < _BEYOND:  # type: ignore[operator]
                raise DecodeError("integer out of range")
        elif kind is list or kind is dict:
            _check(item)
        else:
            raise DecodeError(f"{kind.__name__} is not allowed")
