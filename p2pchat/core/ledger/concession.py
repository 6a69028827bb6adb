"""Concessions and requests, and what has become of each.

The status of a concession only ever climbs: offered, then binding or held, then fulfilled, then void
(docs/protocol/ledger.md, section 4). It is derived from which entries exist, so it is the same for
every order in which they arrive.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final

import msgspec

from p2pchat.core.ids import LedgerEntryId
from p2pchat.core.ledger.account import Seat
from p2pchat.core.ledger.details import Purpose
from p2pchat.core.ledger.entry import SignedEntry

_PLAIN: Final = Purpose()


class Status(StrEnum):
    """What has become of a concession."""

    OFFERED = "offered"  # signed by the side it hurts; the other may accept it at any time
    BINDING = "binding"  # counts in the balance
    HELD = "held"  # accepted under a lock: counts against the limit, not in the balance
    FULFILLED = "fulfilled"  # the lock was opened: counts in the balance
    VOID = "void"  # refused, forgiven or cancelled by the side it favours; final


_OFFERED, _BINDING, _HELD, _FULFILLED, _VOID = Status  # looking members up is slow


class RequestStatus(StrEnum):
    """What has become of a request; none of it ever binds anybody."""

    REQUESTED = "requested"
    ANSWERED = "answered"  # by at least one concession
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"


class Concession(msgspec.Struct, gc=False, eq=False):
    """One concession by `seat` to the other seat. Only `AccountState` changes it, by `climb`."""

    signed: SignedEntry
    seat: Seat
    amount: int  # in the smallest parts of the account's unit
    lock: bytes | None = None  # the hash that a preimage must have, if this is a hold
    accepted: bool = False
    voided: bool = False
    preimage: bytes | None = None
    status: Status = _OFFERED

    @property
    def id(self) -> LedgerEntryId:
        """The id of the C entry."""
        return self.signed.id

    @property
    def purpose(self) -> Purpose:
        """Why, when due, for which expense."""
        details = self.signed.entry.details
        return details if isinstance(details, Purpose) else _PLAIN

    @property
    def counts(self) -> bool:
        """Whether it is part of the balance."""
        return self.status in (Status.BINDING, Status.FULFILLED)

    def opens(self, preimage: bytes) -> bool:
        """Whether `preimage` is the one whose SHA-256 is the lock."""
        return self.lock is not None and hashlib.sha256(preimage).digest() == self.lock

    def climb(self, accepted: bool = False, voided: bool = False, preimage: bytes | None = None) -> Status:
        """Add what an entry says; gives the status that results, which is never a lower one."""
        self.accepted |= accepted
        self.voided |= voided
        self.preimage = self.preimage or preimage
        if self.voided:
            self.status = _VOID
        elif not self.accepted:
            self.status = _OFFERED
        elif self.lock is None:
            self.status = _BINDING
        else:
            self.status = _HELD if self.preimage is None else _FULFILLED
        return self.status


class Request(msgspec.Struct, eq=False):
    """One request by `seat` that the other seat concede. Only `AccountState` changes it."""

    signed: SignedEntry
    seat: Seat
    answers: list[LedgerEntryId] = []
    withdrawn: bool = False
    declined: bool = False

    @property
    def id(self) -> LedgerEntryId:
        """The id of the R entry."""
        return self.signed.id

    @property
    def amount(self) -> int:
        """In the smallest parts of the account's unit."""
        amount = self.signed.entry.amount
        assert amount is not None
        return amount

    @property
    def purpose(self) -> Purpose:
        """Why, when due, for which expense."""
        details = self.signed.entry.details
        return details if isinstance(details, Purpose) else _PLAIN

    @property
    def status(self) -> RequestStatus:
        """What the entries known so far make of it."""
        if self.answers:
            return RequestStatus.ANSWERED
        if self.withdrawn:
            return RequestStatus.WITHDRAWN
        return RequestStatus.DECLINED if self.declined else RequestStatus.REQUESTED
