"""Frames of mailbox/1. Docs: docs/protocol/mailbox.md.

The client asks, the mailbox answers in the same order; many questions may be under way.

    -> ["hello"]                                  <- ["terms", challenge, bits, bits for a box, most days]
    -> ["deposit", address, hour, parcel, stamp]  <- ["held", parcel id] or ["refused", reason, seconds]
    -> ["visit", box, signature, stamp, token]    <- ["box", fingerprint, usage...] or ["refused", ...]
    -> ["admit", day, [tag, ...]]                 <- ["done"]
    -> ["admitted", fingerprint]                  <- ["done"]
    -> ["fetch", bytes, wait]                     <- ["parcel", sealed], ..., ["end", more]
    -> ["taken", [parcel id, ...]]                <- ["done"]
    -> ["leave"]                                  <- ["done"]
    -> ["news"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from p2pchat.core import fields
from p2pchat.core.codec import decode, encode
from p2pchat.core.keys import SIGNATURE_SIZE, SigningKey, tagged_hash, verify
from p2pchat.core.mailbox.sealing import SIZES, ParcelId
from p2pchat.core.mailbox.tags import TAG_SIZE
from p2pchat.core.mailbox.work import MAX_BITS, STAMP_SIZE
from p2pchat.errors import DecodeError

FRAME_LIMIT: Final = SIZES[-1] + 1024
CHALLENGE_SIZE: Final = 32
MAX_TAGS: Final = 1024  # in one frame: the contacts of one day
MAX_TAKEN: Final = 1024
MAX_TOKEN: Final = 128
MAX_FETCH: Final = 1024 * 1024
_VISIT: Final = "mailbox visit"


class Reason(StrEnum):
    """Why a mailbox does not do what it was asked."""

    UNKNOWN = "unknown"  # no box takes deposits under this name today
    WORK = "work"  # a stranger has to show a stamp
    BOX_FULL = "box-full"  # the recipient's quota, or its part for strangers, is used up
    QUOTA = "quota"  # the depositor has left here as much as one may
    FULL = "full"  # the mailbox has no room, or its disk fails
    BUSY = "busy"  # too many questions from this device or its neighbourhood
    EXPIRES = "expires"  # to be kept for too long, or not at all
    CLOSED = "closed"  # takes nothing at all, or no new boxes, or those not without a token
    STRANGER = "stranger"  # a box has to be visited first; or the signature is not the box's


@dataclass(frozen=True, slots=True)
class Hello:
    """What are your terms?"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the mailbox asks for."""

    challenge: bytes  # for this stream: what a visitor signs
    bits: int  # of work that a stranger's parcel costs
    box_bits: int  # of work that a new box costs
    days: int  # for which parcels are kept at most


@dataclass(frozen=True, slots=True)
class Deposit:
    """Keep this."""

    address: bytes  # a pass, or the box itself if a stranger asks
    hour: int  # since 1970, after which it may go
    parcel: bytes
    stamp: bytes | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """It is on the disk."""

    id: ParcelId


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not done; ask again after so many seconds."""

    reason: Reason
    retry_s: int


@dataclass(frozen=True, slots=True)
class Visit:
    """I am the owner of this box; make it if it is new."""

    box: bytes  # an Ed25519 key
    signature: bytes
    stamp: bytes | None = None
    token: str = ""

    @classmethod
    def sign(
        cls, key: SigningKey, challenge: bytes, mailbox: bytes, stamp: bytes | None = None, token: str = ""
    ) -> Visit:
        """The visit of the owner of `key`, at the mailbox of the device `mailbox` alone."""
        return cls(key.public, key.sign(_VISIT, encode([challenge, mailbox])), stamp, token)

    def check(self, challenge: bytes, mailbox: bytes) -> None:
        """Return if the box's owner signed. Raises ProtocolError."""
        verify(self.box, _VISIT, encode([challenge, mailbox]), self.signature)


@dataclass(frozen=True, slots=True)
class Box:
    """How full the visitor's box is."""

    fingerprint: bytes | None  # what the visitor sent last with "admitted"
    parcels: int
    size: int  # bytes
    stranger_parcels: int
    stranger_size: int
    most_parcels: int  # the quota of contacts
    most_size: int
    most_stranger_parcels: int
    most_stranger_size: int


@dataclass(frozen=True, slots=True)
class Admit:
    """Deposits under these tags are for my box, on this day and around it; others of that day are not."""

    day: int
    tags: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Remember this about the tags that you were given."""

    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Fetch:
    """Give me the oldest parcels of my box, about so many bytes; `wait` a while for one if there are none."""

    size: int
    wait: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A parcel of the box."""

    sealed: bytes


@dataclass(frozen=True, slots=True)
class End:
    """That is all for now; `more` waits."""

    more: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """These are safe with me: forget them."""

    ids: tuple[ParcelId, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Forget my box and all that is in it."""


@dataclass(frozen=True, slots=True)
class News:
    """From who holds something: there is something for you here. Answered by a visit, not by a frame."""


@dataclass(frozen=True, slots=True)
class Done:
    """So it is."""


Question: TypeAlias = Hello | Deposit | Visit | Admit | Admitted | Fetch | Taken | Leave | News
Answer: TypeAlias = Terms | Held | Refused | Box | Kept | End | Done


Read: TypeAlias = Callable[[fields.Value], Any]
"""Reads one field, or raises DecodeError."""


def _blob(least: int, most: int | None = None) -> Read:
    return lambda value: fields.blob(value, least=least, most=most or least)


def _number(below: int) -> Read:
    return lambda value: fields.integer(value, high=below)


def _or_null(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _many(read: Read, most: int) -> Read:
    return lambda value: tuple(map(read, fields.items(value, most=most)))


def _parcel(value: fields.Value) -> bytes:
    if type(value) is not bytes or len(value) not in SIZES:
        raise DecodeError("a parcel of a size that none has")
    return value


def _reason(value: fields.Value) -> Reason:
    try:
        return Reason(fields.text(value, most=16))
    except ValueError as error:
        raise DecodeError("unknown reason") from error


_KEY: Final = _blob(32)
_STAMP: Final = _or_null(_blob(STAMP_SIZE))
_DAYS: Final = _number(1_000_000)
_HOURS: Final = _number(100_000_000)
_COUNT: Final = _number(2**53)
_BITS: Final = _number(MAX_BITS + 1)

_QUESTIONS: Final[dict[str, tuple[type, tuple[Read, ...]]]] = {
    "hello": (Hello, ()),
    "deposit": (Deposit, (_KEY, _HOURS, _parcel, _STAMP)),
    "visit": (Visit, (_KEY, _blob(SIGNATURE_SIZE), _STAMP, lambda value: fields.text(value, most=MAX_TOKEN))),
    "admit": (Admit, (_DAYS, _many(_blob(TAG_SIZE), MAX_TAGS))),
    "admitted": (Admitted, (_KEY,)),
    "fetch": (Fetch, (_number(MAX_FETCH + 1), fields.boolean)),
    "taken": (Taken, (_many(_KEY, MAX_TAKEN),)),
    "leave": (Leave, ()),
    "news": (News, ()),
}
_ANSWERS: Final[dict[str, tuple[type, tuple[Read, ...]]]] = {
    "terms": (Terms, (_blob(CHALLENGE_SIZE), _BITS, _BITS, _DAYS)),
    "held": (Held, (_KEY,)),
    "refused": (Refused, (_reason, _number(1_000_000))),
    "box": (Box, (_or_null(_KEY), *(8 * (_COUNT,)))),
    "parcel": (Kept, (_parcel,)),
    "end": (End, (fields.boolean,)),
    "done": (Done, ()),
}
_NAMES: Final = {form[0]: name for name, form in (_QUESTIONS | _ANSWERS).items()}


def encode_frame(frame: Question | Answer) -> bytes:
    """The bytes of a question or an answer."""
    values = (getattr(frame, field) for field in type(frame).__dataclass_fields__)
    return encode([_NAMES[type(frame)], *values])


def decode_question(raw: bytes) -> Question:
    """The question in `raw`. Raises DecodeError."""
    question: Question = _decode(raw, _QUESTIONS)
    return question


def decode_answer(raw: bytes) -> Answer:
    """The answer in `raw`. Raises DecodeError."""
    answer: Answer = _decode(raw, _ANSWERS)
    return answer


def fingerprint_of(admissions: Iterable[Admit]) -> bytes:
    """What tells two sets of tags apart."""
    return tagged_hash("mailbox tags", *map(encode_frame, admissions))


def _decode(raw: bytes, forms: dict[str, tuple[type, tuple[Read, ...]]]) -> Any:
    name, *values = fields.items(decode(raw, limit=FRAME_LIMIT), most=16) or [None]
    form = forms.get(name) if isinstance(name, str) else None
    if form is None or len(values) != len(form[1]):
        raise DecodeError("unknown mailbox frame")
    return form[0](*(read(value) for read, value in zip(form[1], values, strict=True)))
