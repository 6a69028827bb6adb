"""The note beside an entry: what for, which category, which attachments. Only its hash is signed.

The note travels sealed next to the entry, so that a statement can prove an amount without telling
what it was for. Its salt keeps others from guessing the text from the hash.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from p2pchat.core.keys import tagged_hash
from p2pchat.errors import DecodeError, UsageError

MAX_NOTE_BYTES: Final = 500
MAX_ATTACHMENTS: Final = 4
SALT_SIZE: Final = 16
_HASH_SIZE: Final = 32


class Memo(msgspec.Struct, frozen=True):
    """What a note says; `attachments` are SHA-256 hashes of files that travel in the chat."""

    text: str
    category: str = ""
    attachments: tuple[bytes, ...] = ()


class _Packed(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    salt: str
    text: str
    category: str = ""
    attachments: list[str] = []


def pack(memo: Memo, salt: bytes) -> str:
    """The note to store and send; `salt` is 16 fresh random bytes.

    Raises:
        UsageError: it is longer than 500 bytes, or names more than four attachments.
    """
    attachments = [_letters(attachment) for attachment in memo.attachments]
    note = msgspec.json.encode(_Packed(_letters(salt), memo.text, memo.category, attachments)).decode()
    if len(note.encode()) > MAX_NOTE_BYTES or len(attachments) > MAX_ATTACHMENTS:
        raise UsageError("The note is too long: say it in a message of the chat instead")
    return note


def unpack(note: str) -> Memo:
    """What `note` says.

    Raises:
        DecodeError: it was not made by `pack`.
    """
    try:
        packed = msgspec.json.decode(note, type=_Packed)
        attachments = tuple(base64.b64decode(letters, validate=True) for letters in packed.attachments)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise DecodeError("not a note of a ledger entry") from error
    if len(attachments) > MAX_ATTACHMENTS or any(len(hashed) != _HASH_SIZE for hashed in attachments):
        raise DecodeError("not a note of a ledger entry")
    return Memo(packed.text, packed.category, attachments)


def memo_hash(note: str) -> bytes:
    """What the entry signs: the hash of the whole note, salt included."""
    return tagged_hash("ledger memo", note.encode())


def _letters(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
