"""What a message says: the body of a log entry, before it is sealed.

A content is a map with a type `t`, a salt `s` and the type's own fields; optional fields are left out
where they say nothing. The salt makes the hash of the body in the entry's header useless for guessing
what an erased body said. Types that this version does not know are kept, relayed and shown as such;
fields that it does not know are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from p2pchat.core import fields
from p2pchat.core.codec import Value, decode, encode
from p2pchat.core.files.attachment import Attachment, decode_attachments, encode_attachments
from p2pchat.core.ids import EntryId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.mentions import Mention, decode_mentions, encode_mentions
from p2pchat.errors import DecodeError, UsageError

SALT_SIZE: Final = 16
MAX_TEXT: Final = 32 * 1024  # bytes of UTF-8
MAX_NOTE: Final = 500
MAX_EMOJI: Final = 64  # bytes; the longest emoji in use is a family of 41
MIN_OPTIONS: Final = 2
MAX_OPTIONS: Final = 12
MAX_OPTION: Final = 100  # bytes
MAX_QUESTION: Final = 500
MAX_TIMER_S: Final = 4 * 7 * 86_400
ONCE_S: Final = 60
MAX_EDITS: Final = 512  # that a deletion names; more edits than that stay behind as lines without words
_MAX_LEDGER: Final = 1024


@dataclass(frozen=True, slots=True)
class Text:
    """Words, perhaps in answer to a message; they vanish `expires_s` after they were sent or received.

    Files go with them by name, key and hash; their bytes are fetched from who has them.
    """

    text: str
    reply: EntryId | None = None
    expires_s: int | None = None
    mentions: tuple[Mention, ...] = ()
    once: bool = False  # they vanish ONCE_S after they were read
    urgent: bool = False  # their reader wants to hear of them though he has muted the chat
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """Other words for an earlier text of mine."""

    target: EntryId
    text: str
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Forget what an earlier message of mine said, in the entry itself and in my `edits` of it.

    Whoever gets an edit without its words, because others have forgotten them, could not tell what it was.
    """

    target: EntryId
    edits: tuple[EntryId, ...] = ()  # at most MAX_EDITS


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji beside a message, in place of my earlier one; empty takes it back."""

    target: EntryId
    emoji: str


@dataclass(frozen=True, slots=True)
class Pin:
    """Keep a message in sight of everybody in the chat, or no longer."""

    target: EntryId
    pinned: bool


@dataclass(frozen=True, slots=True)
class Timer:
    """From now on texts in this chat vanish after so many seconds; 0: they stay."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Poll:
    """A question to everybody in the chat. Who votes for what is seen by all."""

    question: str
    options: tuple[str, ...]  # MIN_OPTIONS to MAX_OPTIONS
    multiple: bool  # whether one may choose several


@dataclass(frozen=True, slots=True)
class Vote:
    """My choice in a poll, in place of an earlier one; empty takes it back."""

    target: EntryId
    choices: tuple[int, ...]  # numbers of options from 0, ascending


@dataclass(frozen=True, slots=True)
class ClosePoll:
    """Votes behind this in display order do not count. Only who asked can close."""

    target: EntryId


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


Sayable: TypeAlias = Text | Edit | Delete | Reaction | Pin | Timer | Poll | Vote | ClosePoll | LedgerNote
Content: TypeAlias = Sayable | Unknown


def encode_content(content: Sayable, salt: bytes) -> bytes:
    """The body that says `content`; `salt` is fresh randomness of `SALT_SIZE` bytes."""
    return encode({"s": salt, **_fields(content)})


def _fields(content: Sayable) -> dict[str, object]:
    match content:
        case Text(text, reply, expires_s, mentions, once, urgent, files):
            optional: dict[str, object] = {"reply": reply, "expires": expires_s}
            optional |= {"mentions": _optional_mentions(mentions)}
            optional |= {"once": once or None, "urgent": urgent or None}
            optional |= {"files": encode_attachments(files) if files else None}
            return {"t": "text", "text": text} | {
                key: one for key, one in optional.items() if one is not None
            }
        case Edit(target, text, mentions):
            edited: dict[str, object] = {"t": "edit", "target": target, "text": text}
            return edited | {"mentions": encode_mentions(mentions)} if mentions else edited
        case Delete(target, edits):
            deleted: dict[str, object] = {"t": "delete", "target": target}
            return deleted | {"edits": list(edits)} if edits else deleted
        case Reaction(target, emoji):
            return {"t": "reaction", "target": target, "emoji": emoji}
        case Pin(target, pinned):
            return {"t": "pin", "target": target, "pinned": pinned}
        case Timer(seconds):
            return {"t": "timer", "seconds": seconds}
        case Poll(question, options, multiple):
            return {"t": "poll", "text": question, "options": list(options), "multiple": multiple}
        case Vote(target, choices):
            return {"t": "vote", "target": target, "choices": list(choices)}
        case ClosePoll(target):
            return {"t": "close", "target": target}
        case LedgerNote(raw, signature, unit, note, note_salt):
            return {
                "t": "ledger",
                "raw": raw,
                "sig": signature,
                "unit": unit,
                "note": note,
                "note-salt": note_salt,
            }


def decode_content(body: bytes) -> Content:
    """What `body` says.

    Raises:
        DecodeError: it is malformed; unknown types are not.
    """
    value = fields.mapping(decode(body))
    fields.blob(value.get("s"), least=SALT_SIZE, most=SALT_SIZE)
    kind = fields.text(value.get("t"), least=1, most=32)
    match kind:
        case "text":
            return Text(
                _text(value),
                _optional_target(value, "reply"),
                _optional_timer(value, "expires"),
                decode_mentions(value.get("mentions", [])),
                fields.boolean(value.get("once", False)),
                fields.boolean(value.get("urgent", False)),
                decode_attachments(value.get("files", [])),
            )
        case "edit":
            return Edit(_target(value), _text(value), decode_mentions(value.get("mentions", [])))
        case "delete":
            edits = fields.items(value.get("edits", []), most=MAX_EDITS)
            return Delete(_target(value), tuple(fields.identifier(edit, EntryId) for edit in edits))
        case "reaction":
            return Reaction(_target(value), _emoji(value.get("emoji")))
        case "pin":
            return Pin(_target(value), fields.boolean(value.get("pinned")))
        case "timer":
            return Timer(fields.integer(value.get("seconds"), high=MAX_TIMER_S + 1))
        case "poll":
            return _poll(value)
        case "vote":
            return Vote(_target(value), _choices(value.get("choices")))
        case "close":
            return ClosePoll(_target(value))
        case "ledger":
            return LedgerNote(
                fields.blob(value.get("raw"), most=_MAX_LEDGER),
                fields.blob(value.get("sig"), least=64, most=64),
                value.get("unit"),
                fields.text(value.get("note"), most=MAX_NOTE),
                fields.blob(value.get("note-salt"), most=SALT_SIZE),
            )
    return Unknown(kind)


def note_hash(note: str, salt: bytes) -> bytes | None:
    """The hash by which a ledger entry names its note; None for no note."""
    return tagged_hash("ledger note", salt, note.encode()) if note else None


def checked_text(text: str) -> str:
    """`text` as it may be sent.

    Raises:
        UsageError: it is empty, too long, or not valid Unicode.
    """
    if not text.strip():
        raise UsageError("there is no text to send")
    return checked_draft(text)


def checked_draft(text: str) -> str:
    """`text`, if it is not too long to be sent and valid Unicode. Raises UsageError."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise UsageError("the text is not valid Unicode") from error
    if size > MAX_TEXT:
        raise UsageError(f"the text has {size} bytes; at most {MAX_TEXT} can be sent in one message")
    return text


def checked_emoji(emoji: str) -> str:
    """`emoji` as it may be sent: short, printable, without blanks; empty takes a reaction back.

    Raises:
        UsageError: it is none of that.
    """
    try:
        return _emoji(emoji)
    except DecodeError as error:
        raise UsageError(f"'{emoji}' is no reaction: give one emoji") from error


def checked_poll(question: str, options: list[str], *, multiple: bool) -> Poll:
    """A poll as it may be asked.

    Raises:
        UsageError: the question or an option is empty or too long, or options are too few or alike.
    """
    options = [option.strip() for option in options]
    if not MIN_OPTIONS <= len(options) <= MAX_OPTIONS or len({one.casefold() for one in options}) < len(
        options
    ):
        raise UsageError(f"a poll has {MIN_OPTIONS} to {MAX_OPTIONS} different options")
    for text, most in ((question, MAX_QUESTION), *((option, MAX_OPTION) for option in options)):
        if not text.strip() or len(text.encode(errors="replace")) > most or not text.isprintable():
            raise UsageError(f"'{text}' cannot be asked: give one printable line of at most {most} bytes")
    return Poll(question.strip(), tuple(options), multiple)


def _poll(value: dict[str, Value]) -> Poll:
    options = fields.items(value.get("options"), most=MAX_OPTIONS)
    if len(options) < MIN_OPTIONS:
        raise DecodeError("a poll needs something to choose from")
    return Poll(
        fields.text(value.get("text"), least=1, most=MAX_QUESTION),
        tuple(fields.text(option, least=1, most=MAX_OPTION) for option in options),
        fields.boolean(value.get("multiple")),
    )


def _choices(value: Value) -> tuple[int, ...]:
    choices = tuple(fields.integer(one, high=MAX_OPTIONS) for one in fields.items(value, most=MAX_OPTIONS))
    if any(one >= other for one, other in pairwise(choices)):
        raise DecodeError("choices are ascending and distinct")
    return choices


def _optional_mentions(mentions: tuple[Mention, ...]) -> list[list[object]] | None:
    return encode_mentions(mentions) if mentions else None


def _text(value: dict[str, Value]) -> str:
    return fields.text(value.get("text"), least=1, most=MAX_TEXT)


def _target(value: dict[str, Value]) -> EntryId:
    return fields.identifier(value.get("target"), EntryId)


def _optional_target(value: dict[str, Value], key: str) -> EntryId | None:
    return fields.identifier(value[key], EntryId) if key in value else None


def _optional_timer(value: dict[str, Value], key: str) -> int | None:
    return fields.integer(value[key], low=1, high=MAX_TIMER_S + 1) if key in value else None


def _emoji(value: Value) -> str:
    emoji = fields.text(value, most=MAX_EMOJI)
    # Emoji are joined by format characters (Cf), which isprintable() does not like.
    if any(c.isspace() or (not c.isprintable() and c not in "\u200d\ufe0f") for c in emoji):
        raise DecodeError("a reaction is one emoji")
    return emoji
