"""What a message says: the body of a log entry, before it is sealed.

A content is a map with a type `t`, a salt `s` and the type's own fields. The salt makes the hash of
the body in the entry's header useless for guessing what an erased body said. Types that this version
does not know are kept and relayed, and shown as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from p2pchat.core import fields
from p2pchat.core.codec import Value, decode, encode
from p2pchat.core.keys import tagged_hash
from p2pchat.errors import DecodeError, UsageError

SALT_SIZE: Final = 16
MAX_TEXT: Final = 32 * 1024  # bytes of UTF-8
MAX_NOTE: Final = 500
_MAX_LEDGER: Final = 1024


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class LedgerNote:
    """One signed ledger entry, with the unit and the note that it names by their hashes only."""

    raw: bytes
    signature: bytes
    unit: Value
    note: str
    note_salt: bytes  # empty if there is no note


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type of a newer version."""

    type: str


Content: TypeAlias = Text | LedgerNote | Unknown


def encode_content(content: Text | LedgerNote, salt: bytes) -> bytes:
    """The body that says `content`; `salt` is fresh randomness of `SALT_SIZE` bytes."""
    match content:
        case Text(text):
            return encode({"t": "text", "s": salt, "text": text})
        case LedgerNote(raw, signature, unit, note, note_salt):
            return encode(
                {
                    "t": "ledger",
                    "s": salt,
                    "raw": raw,
                    "sig": signature,
                    "unit": unit,
                    "note": note,
                    "note-salt": note_salt,
                }
            )


def decode_content(body: bytes) -> Content:
    """What `body` says.

    Raises:
        DecodeError: it is malformed; unknown types are not.
    """
    value = fields.mapping(decode(body))
    fields.blob(value.get("s"), least=SALT_SIZE, most=SALT_SIZE)
    match fields.text(value.get("t"), least=1, most=32):
        case "text":
            _exactly(value, {"t", "s", "text"})
            return Text(fields.text(value["text"], least=1, most=MAX_TEXT))
        case "ledger":
            _exactly(value, {"t", "s", "raw", "sig", "unit", "note", "note-salt"})
            return LedgerNote(
                fields.blob(value["raw"], most=_MAX_LEDGER),
                fields.blob(value["sig"], least=64, most=64),
                value["unit"],
                fields.text(value["note"], most=MAX_NOTE),
                fields.blob(value["note-salt"], most=SALT_SIZE),
            )
        case other:
            return Unknown(other)


def note_hash(note: str, salt: bytes) -> bytes | None:
    """The hash by which a ledger entry names its note; None for no note."""
    return tagged_hash("ledger note", salt, note.encode()) if note else None


def checked_text(text: str) -> str:
    """`text` as it may be sent.

    Raises:
        UsageError: it is empty, too long, or not valid Unicode.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise UsageError("the text is not valid Unicode") from error
    if not text.strip():
        raise UsageError("there is no text to send")
    if size > MAX_TEXT:
        raise UsageError(f"the text has {size} bytes; at most {MAX_TEXT} can be sent in one message")
    return text


def _exactly(value: dict[str, fields.Value], keys: set[str]) -> None:
    if set(value) != keys:
        raise DecodeError("missing or unexpected fields")
