"""The names of things: 32 bytes each, one subclass per kind of thing.

An id is `bytes`, so SQLite and CBOR take it as it is, while mypy keeps the kinds apart. Its text
form is lower-case base32 without padding (52 letters, RFC 4648), safe in shells, paths and URLs.
"""

from __future__ import annotations

import base64
from functools import cached_property
from typing import ClassVar, Final, Self

from p2pchat.errors import DecodeError, UsageError

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
# Ten bits at a time, which takes a quarter of what base64.b32encode does: an id is shown in every answer.
_PAIRS: Final = tuple(one + other for one in _LETTERS for other in _LETTERS)
_PAD: Final = 4  # bits that 52 letters hold more than 32 bytes
_SHIFTS: Final = tuple(range(250, -1, -10))

SHORT_LENGTH = 8  # letters; 40 bits, enough to tell apart what one person ever sees

_new = bytes.__new__  # an id is made for every column that is read: spare the look-up


class Id(bytes):
    """32 bytes that name one thing."""

    size: ClassVar[int] = 32

    def __new__(cls, raw: bytes) -> Self:
        """The id made of `raw`; raises DecodeError unless it has 32 bytes."""
        if type(raw) is cls:
            return raw
        if len(raw) != cls.size:
            raise DecodeError(f"{cls.__name__} needs {cls.size} bytes, got {len(raw)}")
        return _new(cls, raw)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id whose text form is `text`.

        Raises:
            UsageError: it is not the text form of an id.
        """
        padded = text.strip().upper()
        padded += "=" * (-len(padded) % 8)
        try:
            return cls(base64.b32decode(padded))
        except (ValueError, DecodeError) as error:
            raise UsageError(f"'{text}' is not a {cls.__name__}") from error

    @cached_property
    def text(self) -> str:
        """The whole id as base32."""
        number = int.from_bytes(self) << _PAD
        return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])

    @property
    def short(self) -> str:
        """The first letters of `text`: for people and logs, never for look-ups by a peer."""
        return self.text[:SHORT_LENGTH]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.short}…)"

    def __str__(self) -> str:
        return self.text


class PersonId(Id):
    """A person: the public half of an Ed25519 root key."""


class DeviceId(Id):
    """One installation: the public half of its Ed25519 signing key. `net` maps it to a libp2p peer id."""


class EntryId(Id):
    """The hash of an entry of a log."""


class ConversationId(Id):
    """A log: a direct chat, a group, or a person's own devices."""


class GroupId(ConversationId):
    """A group: the hash of its genesis entry."""


class AccountId(Id):
    """A ledger account: one pair of persons and one unit."""


class CirculationId(Id):
    """Debts that move around several people at once: the lock that all of it is under."""


class LedgerEntryId(Id):
    """The hash of a ledger entry."""


class FileId(Id):
    """A file that was sent: by it chunks are asked for."""
