"""IOUs: what I sign, what a contact signs, and what it adds up to.

Ledger entries travel as contents of the pair's direct log, so they are ordered, sealed, kept and
delivered like every message. docs/protocol/ledger.md
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from p2pchat.core import content
from p2pchat.core.codec import decode, encode
from p2pchat.core.content import LedgerNote
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId, LedgerEntryId, PersonId
from p2pchat.core.ledger import actions, writer
from p2pchat.core.ledger.account import Account, open_account
from p2pchat.core.ledger.concession import Concession, Request, RequestStatus, Status
from p2pchat.core.ledger.entry import Kind, SignedEntry, trust, verify
from p2pchat.core.ledger.money import Amount, parse_amount, plain_number
from p2pchat.core.ledger.state import AccountState
from p2pchat.core.ledger.units import Unit, read_unit, unit_value
from p2pchat.errors import NotFoundError, ProtocolError, UsageError
from p2pchat.node.features.app import App
from p2pchat.store import events, ledger, people
from p2pchat.store.transaction import Reader, Transaction

EPOCH_SIZE: Final = 8
NONCE_SIZE: Final = 12
_SHOWN: Final = {
    Kind.CONCEDE: "owes {amount}",
    Kind.ACCEPT: "accepted {amount}",
    Kind.VOID: "voided {amount}",
    Kind.REQUEST: "asks for {amount}",
    Kind.WITHDRAW: "withdrew the request for {amount}",
    Kind.DISPUTE: "declined {amount}",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An IOU or a request as I see it."""

    item: Concession | Request
    person: PersonId
    unit: Unit
    note: str
    mine: bool  # I signed it

    @property
    def i_owe(self) -> bool:
        """Whether it says that I owe: my own concession, or the other's request."""
        return self.mine == isinstance(self.item, Concession)

    @property
    def open(self) -> bool:
        """Whether somebody still has to decide about it."""
        return self.item.status in (Status.OFFERED, RequestStatus.REQUESTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands between me and a person in one unit; `minor` above zero is owed to me."""

    person: PersonId
    unit: Unit
    minor: int
    open: int


@dataclass(frozen=True, slots=True)
class Written:
    """A ledger entry of mine that is stored, and how to say it in the pair's log."""

    id: LedgerEntryId
    said: LedgerNote
    shown: str


def pay(app: App, tx: Transaction, person: people.Person, amount: str, note: str) -> Written:
    """I owe `amount`: a concession that counts once the other accepts. Raises UsageError."""
    parsed = parse_amount(amount)
    state = _open(app, tx, person.id, parsed.unit)
    checked, salt = _note(app, note)
    draft = actions.pay(state, app.person, parsed, memo_hash=content.note_hash(checked, salt))
    return _write(app, tx, state, draft, checked, salt)


def request(app: App, tx: Transaction, person: people.Person, amount: str | Amount, note: str) -> Written:
    """The other owes me `amount`, I say; it binds nobody until he signs. Raises UsageError."""
    parsed = amount if isinstance(amount, Amount) else parse_amount(amount)
    state = _open(app, tx, person.id, parsed.unit)
    checked, salt = _note(app, note)
    draft = actions.request(state, app.person, parsed, memo_hash=content.note_hash(checked, salt))
    return _write(app, tx, state, draft, checked, salt)


def accept(app: App, tx: Transaction, line: Line) -> Written:
    """Accept an IOU in my favour, or sign what a request asks of me. Raises UsageError."""
    state = _open(app, tx, line.person, line.unit)
    if isinstance(line.item, Request):
        draft = actions.answer(state, app.person, line.item.id)
    else:
        draft = actions.accept(state, app.person, line.item.id)
    return _write(app, tx, state, draft, "", b"")


def reject(app: App, tx: Transaction, line: Line) -> Written:
    """Turn down an IOU or a request, withdraw my own request, or forgive a debt. Raises UsageError."""
    state = _open(app, tx, line.person, line.unit)
    id = line.item.id
    if isinstance(line.item, Request):
        draft = (actions.withdraw if line.mine else actions.decline)(state, app.person, id)
    elif line.item.status is Status.OFFERED:
        draft = actions.reject(state, app.person, id)
    else:
        draft = actions.void(state, app.person, id)
    return _write(app, tx, state, draft, "", b"")


def take(app: App, tx: Transaction, conversation: ConversationId, person: PersonId, said: LedgerNote) -> str:
    """A contact's ledger entry: stored, and put into words for the chat.

    Raises:
        ProtocolError: not in the chat of its two persons, malformed, badly signed, of another account, by
            another person's device, or with a note that is not the one it names.
    """
    if conversation != direct_conversation(app.person, person):
        raise ProtocolError("a ledger entry outside of the chat of its two persons")
    signed = verify(said.raw, said.signature)
    if content.note_hash(said.note, said.note_salt) != signed.entry.memo_hash:
        raise ProtocolError("the note of a ledger entry is not the one it names")
    state = _open(app, tx, person, read_unit(said.unit))
    if signed.entry.account != state.account.id:
        raise ProtocolError("a ledger entry of another account")
    mover = people.device(tx, signed.entry.device)
    if mover is None or mover.person != person:
        raise ProtocolError("a ledger entry by a device of somebody else")
    moved = state.add(signed)
    _store(app, tx, signed, said.note, said.note_salt)
    _tell(app, tx, state, person, [signed.id, *moved])
    return _words(state, signed, said.note)


def lines(app: App, tx: Reader, person: PersonId | None = None) -> list[Line]:
    """All IOUs and requests (with one person), the newest first."""
    found = [line for state, other in _states(app, tx, person) for line in _lines(app, tx, state, other)]
    return sorted(found, key=lambda line: (-line.item.signed.entry.created_ms, line.item.id))


def find(app: App, tx: Reader, prefix: str) -> Line:
    """The IOU or request whose id begins with `prefix`. Raises NotFoundError if there is not exactly one."""
    wanted = prefix.strip().lower()
    found = [line for line in lines(app, tx) if len(wanted) >= 4 and line.item.id.text.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    raise NotFoundError(f"'{prefix}' is the beginning of {'several' if found else 'no'} IOU id")


def standings(app: App, tx: Reader, person: PersonId | None = None) -> list[Standing]:
    """What stands between me and others, one for each person and unit that has ever been used."""
    result = []
    for state, other in _states(app, tx, person):
        waiting = sum(line.open for line in _lines(app, tx, state, other))
        result.append(Standing(other, state.account.unit, state.owed_to(app.person), waiting))
    return result


def _states(app: App, tx: Reader, person: PersonId | None) -> Iterator[tuple[AccountState, PersonId]]:
    for stored in ledger.accounts(tx, person):
        account = open_account(app.person, stored.person, read_unit(decode(stored.unit)))
        yield _fold(app, tx, account, stored.person), stored.person


def _lines(app: App, tx: Reader, state: AccountState, person: PersonId) -> Iterator[Line]:
    items: list[Concession | Request] = [*state.concessions.values(), *state.requests.values()]
    for item in items:
        stored = ledger.get(tx, item.id)
        mine = state.account.person(item.seat) == app.person
        yield Line(item, person, state.account.unit, stored.note if stored else "", mine)


def _open(app: App, tx: Transaction, person: PersonId, unit: Unit) -> AccountState:
    account = open_account(app.person, person, unit)
    if ledger.account(tx, account.id) is None:
        epoch = app.entropy(EPOCH_SIZE)
        _put_head(tx, account, person, writer.WriterHead.start(account.id, epoch))
    return _fold(app, tx, account, person)


def _fold(app: App, tx: Reader, account: Account, person: PersonId) -> AccountState:
    devices = {device.id: person for device in people.devices(tx, person)}
    state = AccountState(account, devices | {app.device: app.person})
    for stored in ledger.entries(tx, account.id):
        state.add(trust(stored.raw, stored.signature))
    return state


def _write(
    app: App, tx: Transaction, state: AccountState, draft: writer.Draft, note: str, salt: bytes
) -> Written:
    stored = ledger.account(tx, state.account.id)
    assert stored is not None
    head = writer.WriterHead(stored.epoch, stored.seq, stored.prev, stored.written_ms)
    signed, head = writer.write(draft, head, app.key, now_ms=app.now_ms(), nonce=app.entropy(NONCE_SIZE))
    moved = state.add(signed)
    _store(app, tx, signed, note, salt)
    _put_head(tx, state.account, stored.person, head)
    _tell(app, tx, state, stored.person, [signed.id, *moved])
    said = LedgerNote(signed.raw, signed.signature, unit_value(state.account.unit), note, salt)
    return Written(signed.id, said, _words(state, signed, note))


def _put_head(tx: Transaction, account: Account, person: PersonId, head: writer.WriterHead) -> None:
    ledger.put_account(
        tx,
        ledger.StoredAccount(
            account.id,
            person,
            encode(unit_value(account.unit)),
            head.epoch,
            head.seq,
            head.prev,
            head.created_ms,
        ),
    )


def _store(app: App, tx: Transaction, signed: SignedEntry, note: str, salt: bytes) -> None:
    ledger.add(
        tx,
        ledger.StoredEntry(
            signed.id, signed.entry.account, signed.raw, signed.signature, note, salt, app.now_ms()
        ),
    )


def _tell(app: App, tx: Transaction, state: AccountState, person: PersonId, ids: list[LedgerEntryId]) -> None:
    known = people.person(tx, person)
    for id in dict.fromkeys(ids):
        item: Concession | Request | None = state.concessions.get(id) or state.requests.get(id)
        if item is not None:
            data = {"id": id.text, "who": known.petname if known else "", "state": str(item.status)}
            events.record(tx, "iou.changed", data, app.now_ms())


def _words(state: AccountState, signed: SignedEntry, note: str) -> str:
    entry = signed.entry
    target = signed if entry.ref is None else state.find(entry.ref)
    minor = entry.amount or (target.entry.amount if target else None) or 0
    amount = f"{plain_number(minor, state.account.unit)} {state.account.unit}"
    said = _SHOWN.get(entry.kind, "ledger entry").format(amount=amount)
    return f"{said}: {note}" if note else said


def _note(app: App, note: str) -> tuple[str, bytes]:
    cleaned = " ".join(note.split())
    if len(cleaned.encode()) > content.MAX_NOTE:
        raise UsageError(f"a note has at most {content.MAX_NOTE} bytes")
    return cleaned, app.entropy(content.SALT_SIZE) if cleaned else b""
