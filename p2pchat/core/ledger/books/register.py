"""An account as one person's list: every concession and request, in order, with what it came to.

Amounts are from that person's point of view: above zero the other owes more, below zero less. All
text that others wrote is made harmless here, once, for every format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from p2pchat.core.ids import LedgerEntryId, PersonId
from p2pchat.core.ledger.account import Account
from p2pchat.core.ledger.concession import Concession, Request, RequestStatus
from p2pchat.core.ledger.state import AccountState

_CATEGORY: Final = re.compile(r"(?:^|\s)#(\w{1,32})")


class Line(msgspec.Struct, frozen=True):
    """One concession or request; `minor` is signed, `counts` says whether it is in the balance."""

    id: LedgerEntryId
    created_ms: int
    minor: int
    status: str
    reason: str
    counts: bool
    disputed: bool
    due: str
    category: str
    text: str

    @property
    def date(self) -> str:
        """The writer's day in UTC, as YYYY-MM-DD."""
        return datetime.fromtimestamp(self.created_ms // 1000, UTC).date().isoformat()


class Register(msgspec.Struct, frozen=True):
    """All lines of an account, by date; `balance` is what the other owes, in smallest parts."""

    account: Account
    me: PersonId
    name: str
    lines: tuple[Line, ...]
    balance: int


def register(state: AccountState, me: PersonId, name: str, notes: Mapping[bytes, str]) -> Register:
    """The account as `me` sees it. `name` is what I call the other; `notes` are by entry id.

    The first hashtag of a note is its category: "pizza #food".
    Requests that were answered are left out: the answer stands for them.
    """
    seat = state.account.seat(me)
    lines = [
        _line(concession, -1 if concession.seat == seat else 1, state, notes)
        for concession in state.concessions.values()
    ]
    lines += [
        _line(request, 1 if request.seat == seat else -1, state, notes)
        for request in state.requests.values()
        if request.status is not RequestStatus.ANSWERED
    ]
    ordered = sorted(lines, key=lambda line: (line.created_ms, line.id))
    return Register(state.account, me, plain_text(name), tuple(ordered), state.owed_to(me))


def category_of(note: str) -> str:
    """The first hashtag of a note, without its sign; empty if there is none."""
    found = _CATEGORY.search(note)
    return found[1] if found else ""


def plain_text(text: str) -> str:
    """`text` on one line, without control characters and double blanks."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _line(what: Concession | Request, sign: int, state: AccountState, notes: Mapping[bytes, str]) -> Line:
    # Who answers a request says nothing of his own: it is about what was asked for.
    text = plain_text(notes.get(what.id) or notes.get(what.signed.entry.ref or b"", ""))
    return Line(
        id=what.id,
        created_ms=what.signed.entry.created_ms,
        minor=sign * what.amount,
        status=what.status.value,
        reason=what.purpose.reason.name.lower(),
        counts=isinstance(what, Concession) and what.counts,
        disputed=what.id in state.disputes,
        due=what.purpose.due or "",
        category=category_of(text),
        text=text,
    )
