"""The single signed steps of one IOU: who signed what about it, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2pchat.core.ids import DeviceId, LedgerEntryId, PersonId
from p2pchat.core.ledger.details import Limit
from p2pchat.core.ledger.entry import Kind, SignedEntry, trust
from p2pchat.core.ledger.state import AccountState
from p2pchat.node.features.app import App
from p2pchat.node.features.ledger import accounts, ious, ledger_words
from p2pchat.store import ledger
from p2pchat.store.transaction import Reader

_OF_THE_ACCOUNT: Final = frozenset({Kind.CHECKPOINT, Kind.CLOSURE})  # about everything, so about none


@dataclass(frozen=True, slots=True)
class Step:
    """One signed entry about an IOU."""

    id: LedgerEntryId
    person: PersonId  # who signed it
    device: DeviceId
    created_ms: int  # by the clock of the device
    said: str


def steps(app: App, tx: Reader, line: ious.Line) -> list[Step]:
    """Everything signed about an IOU or a request, with what it answers or what answers it; causes first."""
    stored = ledger.get(tx, line.id)
    known = ledger.account(tx, stored.account) if stored else None
    assert stored is not None
    assert known is not None
    kept = ledger.entries(tx, stored.account)
    notes = {one.id: one.note for one in kept}
    signed = [trust(one.raw, one.signature) for one in kept]
    with accounts.known(app, tx, known) as state:
        return [_step(state, one, notes[one.id]) for one in _about(signed, line.id)]


def _about(entries: list[SignedEntry], id: LedgerEntryId) -> list[SignedEntry]:
    """Those that name `id`, are named by it, or name one that does; each behind what it names."""
    entries = [
        one
        for one in entries
        if one.entry.kind not in _OF_THE_ACCOUNT and not isinstance(one.entry.details, Limit)
    ]
    begins = next((one.entry.ref for one in entries if one.id == id), None)
    related: set[LedgerEntryId] = {id} | ({begins} if begins else set())
    found: dict[LedgerEntryId, SignedEntry] = {}
    while True:  # an entry may have come before what it names: as often as there is news
        news = [
            one for one in entries if one.id not in found and (one.id in related or one.entry.ref in related)
        ]
        if not news:
            break
        found |= {one.id: one for one in news}
        related |= {one.id for one in news}
    return sorted(found.values(), key=lambda one: (_depth(one, found), one.entry.created_ms))


def _depth(one: SignedEntry, found: dict[LedgerEntryId, SignedEntry]) -> int:
    depth = 0
    while one.entry.ref is not None and one.entry.ref in found:
        one, depth = found[one.entry.ref], depth + 1
    return depth


def _step(state: AccountState, signed: SignedEntry, note: str) -> Step:
    entry = signed.entry
    person = state.account.person(state.seat_of(signed))
    return Step(signed.id, person, entry.device, entry.created_ms, ledger_words.of(state, signed, note))
