"""Proof of work for strangers: Hashcash (Back, 2002) over SHA-256.

A stamp is good for one thing only, such as one parcel in one box on one day, so none can be used twice to
any effect and none can be made far ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from p2pchat.core.keys import tagged_hash

STAMP_SIZE: Final = 8
MAX_BITS: Final = 40


def subject(what: str, mailbox: bytes, box: bytes, day: int, content: bytes = b"") -> bytes:
    """What a stamp is for: 32 bytes."""
    return tagged_hash("mailbox work", what.encode(), mailbox, box, day.to_bytes(8, "big"), content)


def is_stamp(stamp: bytes, subject: bytes, bits: int) -> bool:
    """Whether `stamp` cost about 2^bits hashes."""
    digest = tagged_hash("mailbox stamp", subject, stamp)
    return len(stamp) == STAMP_SIZE and int.from_bytes(digest, "big") >> (256 - bits) == 0


def candidates(subject: bytes, bits: int, *, start: int = 0) -> Iterator[bytes | None]:
    """Search for a stamp: None after every thousand tries, so that others get their turn; then the stamp."""
    number = start
    while True:
        stamp = number.to_bytes(STAMP_SIZE, "big")
        if is_stamp(stamp, subject, bits):
            yield stamp
            return
        number += 1
        if number % 1000 == 0:
            yield None
