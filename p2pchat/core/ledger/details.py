"""What some kinds of entry say beyond their common fields, each as a strict CBOR array.

The layouts are in docs/protocol/ledger.md, section 3.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import date
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from p2pchat.core import fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import DeviceId, LedgerEntryId
from p2pchat.core.ledger.money import MAX_MINOR
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import DecodeError

EPOCH_SIZE: Final = 8
HASH_SIZE: Final = 32
MAX_SEQ: Final = 2**32  # exclusive
MAX_TOTAL: Final = 2**63  # exclusive; sums stay in SQLite's integers
MAX_PREFIX: Final = 1024  # entries one acceptance may cover: bounds the walk that one message can cause
MAX_EXCEPTIONS: Final = 8
MAX_HEADS: Final = 10  # heads a closure names: what fits; an epoch has one unless it forked
BASIS_POINTS: Final = 10_000
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")  # fromisoformat alone reads other forms too


class Reason(IntEnum):
    """Why an amount is conceded or requested."""

    IOU = 0
    REPAYMENT = 1  # the creditor's receipt for what he was paid back
    DISCOUNT = 2
    SHARE = 3  # of a group expense
    TRANSFER = 4  # a hop of a circulation


class Conversion(msgspec.Struct, frozen=True):
    """The foreign amount behind an amount: `foreign` smallest parts of `unit` times the rate.

    One whole of `unit` is worth `numerator / denominator` wholes of the account's unit.
    """

    foreign: int
    unit: Unit
    numerator: int
    denominator: int


class Purpose(msgspec.Struct, frozen=True):
    """C and R: why; when it is due (civil date and IANA zone); the expense it belongs to."""

    reason: Reason = Reason.IOU
    due: str | None = None
    zone: str | None = None
    expense: bytes | None = None
    conversion: Conversion | None = None


class Prefix(msgspec.Struct, frozen=True):
    """A: every concession of the chain from `first_seq` up to the referenced entry, but these."""

    first_seq: int
    exceptions: tuple[LedgerEntryId, ...] = ()


class Limit(msgspec.Struct, frozen=True):
    """L: what the signer lets the other owe, in smallest parts; `held` is the part for holds.

    `automatic` is the largest single concession that the signer's node accepts without asking.
    """

    owed: int
    held: int
    automatic: int = 0


class Terms(msgspec.Struct, frozen=True):
    """T: interest per year in basis points, days until due, ceiling of the debt; information only."""

    interest_bp: int
    due_days: int | None = None
    ceiling: int | None = None


class Checkpoint(msgspec.Struct, frozen=True):
    """K: the account at the entries below `heads_root`; pairs are (seat 0, seat 1).

    `conceded` sums what each seat conceded and counts, `held` what it conceded under a lock that is
    still open. `count` entries are covered. `challenge` is a verifier's nonce, for freshness.
    """

    heads_root: bytes
    count: int
    conceded: tuple[int, int]
    held: tuple[int, int]
    challenge: bytes | None = None

    @property
    def balance(self) -> int:
        """What seat 1 owes seat 0."""
        return self.conceded[1] - self.conceded[0]


class Closure(msgspec.Struct, frozen=True):
    """X: of `epoch` (None: of every epoch) of `device` only the entries up to `heads` stay alive."""

    device: DeviceId
    epoch: bytes | None
    heads: tuple[LedgerEntryId, ...]


Details: TypeAlias = Purpose | Prefix | Limit | Terms | Checkpoint | Closure


def details_value(details: Details | None) -> Value:
    """`details` as CBOR."""
    match details:
        case None:
            return None
        case Purpose(reason, due, zone, expense, conversion):
            return [int(reason), due, zone, expense, _conversion_value(conversion)]
        case Prefix(first_seq, exceptions):
            return [first_seq, [bytes(entry) for entry in exceptions]]
        case Limit(owed, held, automatic):
            return [owed, held, automatic]
        case Terms(interest_bp, due_days, ceiling):
            return [interest_bp, due_days, ceiling]
        case Checkpoint(heads_root, count, conceded, held, challenge):
            return [heads_root, count, list(conceded), list(held), challenge]
        case Closure(device, epoch, heads):
            return [bytes(device), epoch, [bytes(head) for head in heads]]


def read_details(kind: str, value: Value) -> Details:
    """The details of an entry of `kind`.

    Raises:
        DecodeError: `value` is not the one encoding of such details.
    """
    return _READERS[kind](value)


def _purpose(value: Value) -> Purpose:
    reason, due, zone, expense, conversion = fields.array(value, 5)
    number = fields.integer(reason, high=len(Reason))
    if (due is None) != (zone is None):
        raise DecodeError("a due date and its time zone come together")
    purpose = Purpose(
        Reason(number),
        None if due is None else _date(fields.text(due, most=10)),
        None if zone is None else fields.text(zone, least=1, most=40),
        None if expense is None else fields.blob(expense, least=HASH_SIZE, most=HASH_SIZE),
        None if conversion is None else _conversion(conversion),
    )
    if purpose == Purpose():
        raise DecodeError("an ordinary IOU carries no details")  # else it had two encodings
    return purpose


def _date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise DecodeError("there is no such day") from error
    if not _DATE.match(text):
        raise DecodeError("a due date is written YYYY-MM-DD")
    return text


def _conversion_value(conversion: Conversion | None) -> Value:
    if conversion is None:
        return None
    return [conversion.foreign, unit_value(conversion.unit), conversion.numerator, conversion.denominator]


def _conversion(value: Value) -> Conversion:
    foreign, unit, numerator, denominator = fields.array(value, 4)
    return Conversion(
        fields.integer(foreign, low=1, high=MAX_MINOR),
        read_unit(unit),
        fields.integer(numerator, low=1),
        fields.integer(denominator, low=1),
    )


def _prefix(value: Value) -> Prefix:
    first_seq, exceptions = fields.array(value, 2)
    ids = tuple(fields.identifier(i, LedgerEntryId) for i in fields.items(exceptions, most=MAX_EXCEPTIONS))
    return Prefix(fields.integer(first_seq, low=1, high=MAX_SEQ), _sorted(ids))


def _limit(value: Value) -> Limit:
    owed, held, automatic = (fields.integer(item) for item in fields.array(value, 3))
    if held > owed or automatic > owed:
        raise DecodeError("no part of a limit exceeds it")
    return Limit(owed, held, automatic)


def _terms(value: Value) -> Terms:
    interest, due_days, ceiling = fields.array(value, 3)
    return Terms(
        fields.integer(interest, high=100 * BASIS_POINTS),
        None if due_days is None else fields.integer(due_days, high=36_525),
        None if ceiling is None else fields.integer(ceiling, low=1),
    )


def _checkpoint(value: Value) -> Checkpoint:
    root, count, conceded, held, challenge = fields.array(value, 5)
    return Checkpoint(
        fields.blob(root, least=HASH_SIZE, most=HASH_SIZE),
        fields.integer(count, high=MAX_TOTAL),
        _totals(conceded),
        _totals(held),
        None if challenge is None else fields.blob(challenge, least=8, most=32),
    )


def _totals(value: Value) -> tuple[int, int]:
    low, high = (fields.integer(item, high=MAX_TOTAL) for item in fields.array(value, 2))
    return low, high


def _closure(value: Value) -> Closure:
    device, epoch, heads = fields.array(value, 3)
    ids = tuple(fields.identifier(i, LedgerEntryId) for i in fields.items(heads, most=MAX_HEADS))
    return Closure(
        fields.identifier(device, DeviceId),
        None if epoch is None else fields.blob(epoch, least=EPOCH_SIZE, most=EPOCH_SIZE),
        _sorted(ids),
    )


def _sorted(ids: tuple[LedgerEntryId, ...]) -> tuple[LedgerEntryId, ...]:
    if any(left >= right for left, right in itertools.pairwise(ids)):
        raise DecodeError("ids are sorted and differ")
    return ids


_READERS: Final[dict[str, Callable[[Value], Details]]] = {
    "C": _purpose,
    "R": _purpose,
    "A": _prefix,
    "L": _limit,
    "T": _terms,
    "K": _checkpoint,
    "X": _closure,
}
