"""A file that carries messages by hand between people who cannot connect.

It holds parcels as mailboxes hold them, and entries of groups under the groups' secrets; so it says neither
who wrote nor who reads, and whoever finds it opens nothing. docs/protocol/mailbox.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.group.veil import MAX_PAYLOAD
from p2pchat.core.mailbox.sealing import SIZES
from p2pchat.errors import DecodeError

MAX_CARRIED: Final = 16 * 1024 * 1024  # bytes of a file
MAX_ITEMS: Final = 4096  # of each kind
_MAGIC: Final = b"p2pchat-bundle\n"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Carried:
    """What a file holds."""

    parcels: tuple[bytes, ...]  # each for one device, mailbox.sealing.Parcel
    veiled: tuple[bytes, ...]  # entries of groups, group.veil

    def encode(self) -> bytes:
        """The file."""
        return _MAGIC + encode([_VERSION, list(self.parcels), list(self.veiled)])

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """What the file holds; nothing in it is opened yet.

        Raises:
            DecodeError: it is no such file, or damaged, or too large.
        """
        if not raw.startswith(_MAGIC):
            raise DecodeError("it does not begin like one")
        version, parcels, veiled = fields.array(decode(raw[len(_MAGIC) :], limit=MAX_CARRIED), 3)
        if fields.integer(version) != _VERSION:
            raise DecodeError("it is of a newer version")
        batches = fields.items(veiled, most=MAX_ITEMS)
        return cls(
            tuple(_parcel(one) for one in fields.items(parcels, most=MAX_ITEMS)),
            tuple(fields.blob(one, least=1, most=MAX_PAYLOAD) for one in batches),
        )


def _parcel(value: fields.Value) -> bytes:
    parcel = fields.blob(value, most=SIZES[-1])
    if len(parcel) not in SIZES:
        raise DecodeError("it holds a parcel of a size that none has")
    return parcel
