"""IOUs and requests as I see them, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from p2pchat.core.codec import decode
from p2pchat.core.content import LedgerNote, decode_content
from p2pchat.core.ids import EntryId, LedgerEntryId, PersonId
from p2pchat.core.ledger import policy
from p2pchat.core.ledger.concession import Concession, Request, RequestStatus, Status
from p2pchat.core.ledger.details import Limit, Purpose, Reason
from p2pchat.core.ledger.entry import Kind, trust
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import Unit, read_unit
from p2pchat.errors import NotFoundError
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts
from p2pchat.node.features.people.names import whole_bytes
from p2pchat.store import ledger, logs
from p2pchat.store.transaction import Reader

_LEAST_PREFIX: Final = 4  # letters of an id that are accepted in its place
_MOST_ALIKE: Final = 1000  # ids that share the whole bytes of such a beginning


@dataclass(frozen=True, slots=True)
class Line:
    """An IOU or a request as I see it."""

    id: LedgerEntryId
    person: PersonId  # the other one
    unit: Unit
    minor: int
    is_request: bool
    status: Status | RequestStatus
    reason: Reason
    mine: bool  # I signed it
    note: str
    created_ms: int
    twin: LedgerEntryId | None  # an open line that may record the same event
    lock: bytes | None  # it is a hold of a circulation, which decides about it
    purpose: Purpose
    disputed: bool

    @property
    def i_owe(self) -> bool:
        """Whether it speaks for the other: my own concession, or the other's request."""
        return self.mine is not self.is_request

    @property
    def open(self) -> bool:
        """Whether somebody still has to decide about it."""
        return self.status in (Status.OFFERED, RequestStatus.REQUESTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands between me and a person in one unit; `minor` above zero is owed to me."""

    person: PersonId
    unit: Unit
    minor: int
    open: int
    limit: Limit | None  # what I let the other owe
    their_limit: Limit | None  # what the other lets me owe


def lines(app: App, tx: Reader, person: PersonId | None = None) -> list[Line]:
    """All IOUs and requests (with one person), the newest first."""
    found: list[Line] = []
    for stored in ledger.accounts(tx, person):
        with accounts.known(app, tx, stored) as state:
            found += _lines(app, tx, state, stored.person)
    return sorted(found, key=lambda line: (-line.created_ms, line.id))


def get(app: App, tx: Reader, id: LedgerEntryId) -> Line | None:
    """The IOU or request `id`, or None."""
    entry = ledger.get(tx, id)
    stored = ledger.account(tx, entry.account) if entry else None
    if entry is None or stored is None:
        return None
    with accounts.known(app, tx, stored) as state:
        item = state.concessions.get(id) or state.requests.get(id)
        if item is None:
            return None
        answered = None if entry.note else item.signed.entry.ref
        asked = ledger.get(tx, answered) if answered else None
        note = asked.note if asked else entry.note
        return _line(app, state, item, stored.person, note, _twins(app, state).get(id))


def said_in(tx: Reader, line: EntryId) -> LedgerEntryId | None:
    """The IOU or request that a line of the chat makes; None if it makes none."""
    entry = logs.get(tx, line)
    said = decode_content(entry.body) if entry and entry.body else None
    if not isinstance(said, LedgerNote):
        return None
    written = trust(said.raw, said.signature)
    return written.id if written.entry.kind in (Kind.CONCEDE, Kind.REQUEST) else None


def find(app: App, tx: Reader, prefix: str) -> Line:
    """The IOU or request whose id begins with `prefix`. Raises NotFoundError if there is not exactly one."""
    wanted = prefix.strip().lower()
    found: list[Line] = []
    if len(wanted) >= _LEAST_PREFIX:
        for entry in ledger.beginning_with(tx, whole_bytes(wanted), limit=_MOST_ALIKE):
            line = get(app, tx, entry.id) if entry.id.text.startswith(wanted) else None
            found += [line] if line else []
    if len(found) == 1:
        return found[0]
    raise NotFoundError(f"'{prefix}' is the beginning of {'several' if found else 'no'} IOU id")


def standings(app: App, tx: Reader, person: PersonId | None = None) -> list[Standing]:
    """What stands between me and others, one for each person and unit that has ever been used."""
    result = []
    for stored in ledger.accounts(tx, person):
        with accounts.known(app, tx, stored) as state:
            open_offers = sum(one.status is Status.OFFERED for one in state.concessions.values())
            asked = sum(one.status is RequestStatus.REQUESTED for one in state.requests.values())
            result.append(
                Standing(
                    stored.person,
                    read_unit(decode(stored.unit)),
                    state.owed_to(app.person),
                    open_offers + asked,
                    state.limit_of(app.person),
                    state.limit_of(stored.person),
                )
            )
    return result


def _lines(app: App, tx: Reader, state: AccountState, person: PersonId) -> Iterator[Line]:
    notes, twins = ledger.notes(tx, state.account.id), _twins(app, state)
    items: list[Concession | Request] = [*state.concessions.values(), *state.requests.values()]
    for item in items:
        # An answer has the words of what it answers.
        note, _salt = notes.get(item.id) or notes.get(item.signed.entry.ref or b"", ("", b""))
        yield _line(app, state, item, person, note, twins.get(item.id))


def _line(
    app: App,
    state: AccountState,
    item: Concession | Request,
    person: PersonId,
    note: str,
    twin: LedgerEntryId | None,
) -> Line:
    return Line(
        id=item.id,
        person=person,
        unit=state.account.unit,
        minor=item.amount,
        is_request=isinstance(item, Request),
        status=item.status,
        reason=item.purpose.reason,
        mine=state.account.person(item.seat) == app.person,
        note=note,
        created_ms=item.signed.entry.created_ms,
        twin=twin,
        lock=item.lock if isinstance(item, Concession) else None,
        purpose=item.purpose,
        disputed=item.id in state.disputes and item.status is not RequestStatus.DECLINED,
    )


def _twins(app: App, state: AccountState) -> dict[LedgerEntryId, LedgerEntryId]:
    """The lines that look like the same event, each with the other one; of several with the first."""
    twins: dict[LedgerEntryId, LedgerEntryId] = {}
    for side in (app.person, state.account.other(app.person)):
        for offer, request in policy.same_lunch(state, side):
            if offer not in twins and request not in twins:
                twins |= {offer: request, request: offer}
    return twins
