"""IOUs, splits and balances."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from p2pchat.api.schema.base import Method, Nothing, Params, Result


class Entered(Params):
    """An amount with what may stand beside it."""

    who: str
    amount: str
    note: str = ""  # the first #word is its category
    due: str | None = None  # YYYY-MM-DD, a day in `zone`
    zone: str = "UTC"  # IANA
    into: str | None = None  # the unit that counts, if the amount is in another one
    rate: str | None = None  # what one whole of the amount's unit is worth in `into`
    files: dict[str, str] = msgspec.field(default_factory=dict)  # SHA-256 in hex, by name


class Pay(Entered):
    """I owe the contact this amount: signed by me, counted once the contact accepts."""


class RequestPay(Entered):
    """The contact owes me this amount, I say; nothing counts until the contact signs it."""


class Settle(Params):
    """I paid the contact back this much, I say: a request for a receipt."""

    who: str
    amount: str
    note: str = ""


class GiveReceipt(Params):
    """The contact paid me back this much: signed by me, the creditor."""

    who: str
    amount: str
    note: str = ""


class BillItem(Params):
    """A line of an itemised bill."""

    amount: str
    people: list[str]


class Divided(Params, kw_only=True):
    """A bill that I paid, and how it is shared."""

    amount: str
    note: str = ""
    people: list[str] = msgspec.field(default_factory=list)  # who shares it with me; none: all members
    mode: Literal["equal", "shares", "percent", "exact", "itemised"] = "equal"
    parts: dict[str, str] = msgspec.field(default_factory=dict)  # by name or "me": shares, percent, amounts
    items: list[BillItem] = msgspec.field(default_factory=list)
    extra: str | None = None  # tax and tip of an itemised bill; None: what is left of the amount
    into: str | None = None  # the unit that counts, if the bill is in another one
    rate: str | None = None


class Split(Divided, kw_only=True):
    """I paid a bill for a group: ask the others for their parts, which add up exactly."""

    group: str


class EditBill(Divided, kw_only=True):
    """A new version of a bill of mine: changed shares are given up and asked for anew."""

    id: str


class BillId(Params):
    """A bill of mine by its id or the beginning of it."""

    id: str


class Bill(Result):
    """A bill of mine as it stands."""

    id: str
    group: str
    total: str
    note: str
    shares: dict[str, str]
    at_ms: int


class Bills(Result):
    """The newest first."""

    bills: list[Bill]


class Dispute(Params):
    """I object to an IOU; this stays visible to both and changes no balance."""

    id: str
    note: str = ""


class SameIou(Params):
    """An IOU and a request that are about one event, by ids or their beginnings."""

    id: str
    other: str


class IouId(Params):
    """A ledger entry by its id or the beginning of it."""

    id: str


class SetLimit(Params):
    """The contact may owe me up to this amount, which may be 0 EUR."""

    who: str
    amount: str
    auto: str | None = None  # the largest IOU that my node accepts unasked; None: whatever fits
    holds: str | None = None  # how much of it may wait in circulations; None: a fifth


class StatementQuery(Params):
    """What proves the account with a contact; `unit` where there are several."""

    who: str
    unit: str | None = None
    challenge: bytes | None = None  # 8 to 32 bytes that the reader chose: shows that it is fresh


class Proof(Result):
    """A file that `p2pchat ledger verify` checks."""

    data: bytes
    countersigned: bool  # both signed it; of a history nobody has signed the sum


class BookQuery(Params):
    """Accounts in the language of another program."""

    format: Literal["hledger", "beancount", "csv", "json", "html"]
    who: str | None = None
    unit: str | None = None


class Book(Result):
    """One account."""

    who: str
    unit: str
    data: bytes  # UTF-8


class Books(Result):
    """One for each contact and unit."""

    books: list[Book]


class Iou(Result):
    """One IOU as I see it."""

    id: str
    kind: str  # iou | request
    who: str  # the other person's petname
    direction: str  # i-owe | owes-me: whom it moves the balance against
    reason: str  # iou | repayment | discount | share | transfer
    amount: str
    minor: int
    unit: str
    state: str  # offered | binding | held | fulfilled | void; requested | answered | withdrawn | declined
    note: str
    at_ms: int
    due: str | None  # YYYY-MM-DD
    foreign: str | None  # where the amount came from: "13.60 USD at 0.92"
    category: str
    files: dict[str, str]  # SHA-256 in hex, by name
    disputed: bool
    mine_to_decide: bool
    same_as: str | None  # an open IOU or request that may be about the same event


class Ious(Result):
    """IOUs, newest first; `more`: there are older ones that were asked for."""

    ious: list[Iou]
    more: bool = False


class IouStep(Result):
    """One signed entry about an IOU."""

    id: str
    who: str  # who signed it: a petname, or my own name
    mine: bool
    device: str
    at_ms: int  # by the clock of that device
    text: str


class IouStory(Result):
    """An IOU with everything that was signed about it, each step behind what it is about."""

    iou: Iou
    steps: list[IouStep]


class BalanceQuery(Params):
    """Balances with one contact, or with all."""

    who: str | None = None


class IouQuery(BalanceQuery):
    """Which IOUs to list, and how many at most; None: all."""

    limit: int | None = None
    before: str | None = None  # only those behind this one in the list
    waiting: bool = False  # only those that I have to decide about
    ids: list[str] | None = None  # only these, by whole ids


class Balance(Result):
    """What stands between me and one person in one unit."""

    who: str
    amount: str  # signed text: "+12.50 EUR" the contact owes me, "-12.50 EUR" I owe the contact
    minor: int
    unit: str
    open_offers: int  # IOUs that wait for a decision of either side
    limit: str | None  # how much the contact may owe me; None: no limit
    auto: str | None  # the largest IOU that is accepted unasked; None: none is
    their_limit: str | None  # how much the contact lets me owe
    recovering: bool  # this device was restored: nothing that binds me until the contact has answered


class RegisterQuery(Params):
    """Accounts line by line."""

    who: str | None = None
    unit: str | None = None


class RegisterLine(Result):
    """An IOU or a request with what it came to; amounts above zero are what the contact owes me."""

    id: str
    at_ms: int
    minor: int
    amount: str
    status: str
    reason: str
    counts: bool  # whether it is part of the balance
    balance: int  # after it, in smallest parts
    disputed: bool
    due: str
    category: str
    note: str


class Register(Result):
    """One account, the oldest line first."""

    who: str
    unit: str
    scale: int  # decimals of the unit
    balance: int
    lines: list[RegisterLine]


class Registers(Result):
    """One for each contact and unit."""

    registers: list[Register]


class Fork(Result):
    """A device that signed two ledger entries with one number."""

    who: str  # whose device: a petname, or "me"
    device: str
    unit: str
    at_ms: int  # when it was noticed
    data: bytes  # the proof, which `p2pchat ledger verify` checks


class Forks(Result):
    """All that were noticed or shown by a contact, the oldest first."""

    forks: list[Fork]


class Balances(Result):
    """All balances that are not zero, or have something open or a limit."""

    balances: list[Balance]


class SplitResult(Result):
    """What I signed for a bill: requests, and claims given up."""

    id: str
    total: str
    own_share: str
    ious: list[Iou]


METHODS: Final[dict[str, Method]] = {
    "iou.pay": Method(Pay, Iou, "store", "I owe"),
    "iou.request": Method(RequestPay, Iou, "store", "You owe me"),
    "iou.settle": Method(Settle, Iou, "store", "I paid you back: ask for a receipt"),
    "iou.receipt": Method(GiveReceipt, Iou, "store", "You paid me back"),
    "iou.split": Method(Split, SplitResult, "store", "Split a bill I paid in a group"),
    "bill.list": Method(Nothing, Bills, "store", "Bills that I entered"),
    "bill.edit": Method(EditBill, SplitResult, "store", "Enter a bill of mine anew"),
    "bill.delete": Method(BillId, SplitResult, "store", "Let nothing be owed for a bill of mine"),
    "iou.dispute": Method(Dispute, Iou, "store", "Object to an IOU"),
    "iou.remind": Method(IouId, Iou, "store", "Write a contact a reminder"),
    "iou.accept": Method(IouId, Iou, "store", "Accept an IOU, or sign a request"),
    "iou.reject": Method(IouId, Iou, "store", "Reject an IOU or a request, or forgive a debt"),
    "iou.same": Method(SameIou, Ious, "store", "Say that an IOU and a request are one"),
    "iou.limit": Method(SetLimit, Balance, "store", "Say how much a contact may owe me"),
    "iou.list": Method(IouQuery, Ious, "store", "IOUs, newest first"),
    "iou.show": Method(IouId, IouStory, "store", "An IOU with everything signed about it"),
    "iou.balance": Method(BalanceQuery, Balances, "store", "Who owes whom"),
    "ledger.statement": Method(StatementQuery, Proof, "store", "Prove what stands between us"),
    "ledger.forks": Method(Nothing, Forks, "store", "Devices that signed two entries with one number"),
    "ledger.receipt": Method(IouId, Proof, "store", "Prove one IOU"),
    "ledger.register": Method(RegisterQuery, Registers, "store", "Accounts line by line"),
    "ledger.export": Method(BookQuery, Books, "store", "Books for other programs"),
}
