"""A bill that several people share: one value, named by its hash, replaced by new versions.

The payer signs one request per participant (R with the expense's id); each participant's own device
answers with a concession. An edit is a new version with a new id: changed shares get a new request,
and only the payer's own claim is given up for it, so nobody's debt changes without his signature.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, TypeAlias

import msgspec

from p2pchat.core import codec, fields
from p2pchat.core.codec import Value
from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.ledger import actions, split
from p2pchat.core.ledger.concession import RequestStatus, Status
from p2pchat.core.ledger.details import HASH_SIZE, Purpose, Reason
from p2pchat.core.ledger.money import MAX_MINOR, Amount
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import read_unit, unit_value
from p2pchat.core.ledger.writer import Draft
from p2pchat.errors import DecodeError, UsageError

MAX_PEOPLE: Final = 1000
MAX_ITEMS: Final = 200
VERSION: Final = 1

Mode: TypeAlias = Literal["equal", "shares", "percent", "exact", "itemised"]
_MODES: Final = ("equal", "shares", "percent", "exact", "itemised")


class Expense(msgspec.Struct, frozen=True):
    """One version of a shared bill.

    `parts` pairs each participant with a number whose meaning is the mode's: 1, shares, basis points
    or smallest parts; for an itemised bill they are empty, and `items` and `extra` (tax and tip) say
    it all. `replaces` is the id of the version before. `nonce` is 12 random bytes.
    """

    payer: PersonId
    total: Amount
    mode: Mode
    parts: tuple[tuple[PersonId, int], ...]
    nonce: bytes
    items: tuple[split.Item, ...] = ()
    extra: int = 0
    replaces: bytes | None = None


def encode(expense: Expense) -> bytes:
    """The canonical bytes of `expense`."""
    parts: list[Value] = [[bytes(person), number] for person, number in expense.parts]
    items: list[Value] = [[item.minor, [bytes(person) for person in item.people]] for item in expense.items]
    return codec.encode(
        [
            VERSION,
            bytes(expense.payer),
            expense.total.minor,
            unit_value(expense.total.unit),
            expense.mode,
            parts,
            items,
            expense.extra,
            expense.replaces,
            expense.nonce,
        ]
    )


def decode(raw: bytes) -> Expense:
    """The expense whose one encoding is `raw`; its shares are computed once to see that they add up.

    Raises:
        DecodeError: malformed, or the parts do not make a division of the total.
    """
    version, payer, minor, unit, mode, parts, items, extra, replaces, nonce = fields.array(
        codec.decode(raw), 10
    )
    fields.integer(version, low=VERSION, high=VERSION + 1)
    if mode not in _MODES:
        raise DecodeError("unknown way to split a bill")
    expense = Expense(
        payer=fields.identifier(payer, PersonId),
        total=Amount(fields.integer(minor, low=1, high=MAX_MINOR), read_unit(unit)),
        mode=mode,  # type: ignore[arg-type]  # checked against the list of modes
        parts=tuple(_part(part) for part in fields.items(parts, most=MAX_PEOPLE)),
        nonce=fields.blob(nonce, least=12, most=12),
        items=tuple(_item(item) for item in fields.items(items, most=MAX_ITEMS)),
        extra=fields.integer(extra, high=MAX_MINOR),
        replaces=None if replaces is None else fields.blob(replaces, least=HASH_SIZE, most=HASH_SIZE),
    )
    try:
        shares(expense)
    except UsageError as error:
        raise DecodeError(str(error)) from error
    return expense


def expense_id(expense: Expense) -> bytes:
    """The 32-byte name of this version."""
    return tagged_hash("ledger expense", encode(expense))


def shares(expense: Expense) -> dict[PersonId, int]:
    """What each participant bears, in smallest parts; the sum is the total.

    Raises:
        UsageError: the parts do not make a division of the total.
    """
    salt = expense_id(expense)
    total = expense.total.minor
    parts = dict(expense.parts)
    if len(parts) != len(expense.parts) or (expense.mode == "itemised") != bool(expense.items):
        raise UsageError("Each participant is named once, and only an itemised bill has lines")
    match expense.mode:
        case "equal":
            return split.equal(total, parts, salt)
        case "shares":
            return split.by_shares(total, parts, salt)
        case "percent":
            return split.by_percent(total, parts, salt)
        case "exact":
            return split.exact(total, parts)
        case "itemised":
            if sum(item.minor for item in expense.items) + expense.extra != total:
                raise UsageError("The lines with tax and tip do not add up to the total")
            return split.itemised(expense.items, expense.extra, salt)


def request_share(
    state: AccountState, me: PersonId, expense: Expense, memo_hash: bytes | None = None
) -> Draft:
    """The payer's request to the other person of the account for the share in `expense`.

    Raises:
        UsageError: I did not pay it, the other has no share in it, or it is in another unit.
    """
    other = state.account.other(me)
    share = shares(expense).get(other, 0)
    if expense.payer != me or share == 0:
        raise UsageError("Only the payer asks, and only those who have a share")
    purpose = Purpose(reason=Reason.SHARE, expense=expense_id(expense))
    amount = Amount(share, expense.total.unit)
    return actions.request(state, me, amount, purpose=purpose, memo_hash=memo_hash)


def revise_share(
    state: AccountState,
    me: PersonId,
    old: Expense,
    new: Expense,
    memo_hash: bytes | None = None,
    *,
    earlier: Collection[bytes] = (),
) -> list[Draft]:
    """What the payer signs in this account when `new` replaces `old`; nothing if the share stays.

    The old request is withdrawn and what the other conceded for it is given up; then the new share is
    requested. Until the other answers, he owes nothing for this bill. `earlier` are the ids of versions
    before `old`: a share that stayed the same since was asked for by one of them.

    Raises:
        UsageError: `new` does not replace `old`, or somebody else paid.
    """
    if new.replaces != expense_id(old) or new.payer != me:
        raise UsageError("A new version names the one it replaces and has the same payer")
    other = state.account.other(me)
    before, after = shares(old).get(other, 0), shares(new).get(other, 0)
    if before == after and old.total.unit == new.total.unit:
        return []
    drafts = give_up_share(state, me, {expense_id(old), *earlier})
    if after:
        drafts.append(request_share(state, me, new, memo_hash))
    return drafts


def give_up_share(state: AccountState, me: PersonId, versions: Collection[bytes]) -> list[Draft]:
    """What the payer signs when nothing of a bill is to be owed: requests withdrawn, claims given up."""
    drafts = [actions.withdraw(state, me, asked) for asked in _open_requests(state, me, versions)]
    return drafts + [actions.void(state, me, claim) for claim in _claims(state, me, versions)]


def _open_requests(state: AccountState, me: PersonId, versions: Collection[bytes]) -> list[LedgerEntryId]:
    seat = state.account.seat(me)
    return sorted(
        request.id
        for request in state.requests.values()
        if request.seat == seat
        and request.purpose.expense in versions
        and request.status is RequestStatus.REQUESTED
    )


def _claims(state: AccountState, me: PersonId, versions: Collection[bytes]) -> list[LedgerEntryId]:
    seat = state.account.seat(me)
    return sorted(
        concession.id
        for concession in state.concessions.values()
        if concession.seat != seat
        and concession.purpose.expense in versions
        and concession.status is not Status.VOID
    )


def _part(value: Value) -> tuple[PersonId, int]:
    person, number = fields.array(value, 2)
    return fields.identifier(person, PersonId), fields.integer(number, high=MAX_MINOR)


def _item(value: Value) -> split.Item:
    minor, people = fields.array(value, 2)
    named = tuple(fields.identifier(person, PersonId) for person in fields.items(people, most=MAX_PEOPLE))
    return split.Item(fields.integer(minor, high=MAX_MINOR), named)
