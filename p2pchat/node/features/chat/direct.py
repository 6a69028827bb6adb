"""The log that two contacts share: what I say in it, and what comes from the other side."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from p2pchat.core import content
from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item, ReadMark
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import DeviceId, EntryId, PersonId
from p2pchat.core.ledger.units import Unit
from p2pchat.core.log.entry import Entry
from p2pchat.core.log.runs import RunVerifier
from p2pchat.errors import NotAllowedError, P2PChatError, ProtocolError, UntrustedKeyError, UsageError
from p2pchat.node.effects import Wake
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, contents, log
from p2pchat.node.features.ledger import ledger_intake, ledger_recovery, passages, recovering
from p2pchat.node.features.ledger.accounts import Written
from p2pchat.node.features.ledger.ledger_intake import Taken
from p2pchat.store import deliveries, logs, messages, outbox, people
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

KIND: Final = "message"  # header.kind of every entry of a direct log


def say(
    app: App, tx: Transaction, person: people.Person, said: content.Sayable, *, shown: str = ""
) -> EntryId:
    """Append an entry to the log I share with `person`, and queue it for all his devices.

    Raises:
        NotAllowedError: the person is not (to be) a contact.
        UntrustedKeyError: he was verified, then used a new device, and I have not decided about it.
    """
    check_contact(person)
    check_trusted(person)
    conversation = direct_conversation(app.person, person.id)
    logs.open_direct(tx, conversation, person.id)
    body = content.encode_content(said, app.entropy(content.SALT_SIZE))
    entry = log.compose(app, tx, conversation, KIND, body)
    logs.append(tx, entry, app.now_ms())
    deliveries.expect(tx, entry.id, [person.id], app.now_ms())
    for device in people.devices(tx, person.id):
        outbox.put(tx, device.id, Item(items.ENTRY, entry.encode()), entry=entry.id)
        tx.effects.append(Wake(device.id))
    contents.apply_mine(app, tx, entry, said, shown=shown)
    return entry.id


def check_contact(person: people.Person) -> None:
    """Return if `person` is (to be) a contact. Raises NotAllowedError."""
    if person.state not in ("accepted", "requested"):
        why = {"pending": "is not a contact: accept the request first", "blocked": "is blocked by you"}
        raise NotAllowedError(f"{person.petname} {why.get(person.state, 'is not a contact')}")


def check_trusted(person: people.Person) -> None:
    """Return unless a device of `person` has to be decided about. Raises UntrustedKeyError."""
    if person.changed:
        raise UntrustedKeyError(
            f"{person.petname} uses a new device since you verified them: compare the safety number and "
            f"`p2pchat contact verify {person.petname}`, or `p2pchat contact trust {person.petname}`"
        )


def take_entry(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """An entry of the log that a contact and I share, which came alone."""
    take_entries(app, tx, sender, [payload])


def take_entries(app: App, tx: Transaction, sender: people.Device, payloads: Sequence[bytes]) -> None:
    """Entries of the log that a contact and I share, which came together.

    One is dropped, with the reason in the log, if it is malformed, not signed, out of its place, in a wrong
    conversation, or by a device of neither of us: his fault, and no better the next time.
    """
    entries: dict[EntryId, Entry] = {}
    for payload in payloads:
        try:
            entry = _decode(app, tx, sender, payload)
            entries[entry.id] = entry
        except ProtocolError as error:
            _drop(sender, error)
    proven = RunVerifier().add(entries.values())
    for entry in proven:
        del entries[entry.id]
    for _ in entries:
        _drop(sender, ProtocolError("no good signature"))
    try:
        _take(app, tx, sender, proven)
    except P2PChatError:  # one of them; again, each by itself
        for entry in proven:
            try:
                _take(app, tx, sender, [entry])
            except P2PChatError as error:
                _drop(sender, error)


def _take(app: App, tx: Transaction, sender: people.Device, entries: Sequence[Entry]) -> None:
    with tx.savepoint():
        for entry in entries:
            log.take(app, tx, entry, lambda taken: _store(app, tx, taken, sender.person))


def _drop(sender: people.Device, error: P2PChatError) -> None:
    logger.warning("Dropped an entry of %s: %s.", sender.id.short, error)


def _decode(app: App, tx: Reader, sender: people.Device, payload: bytes) -> Entry:
    """The entry in `payload`, if it belongs into our log. Raises ProtocolError."""
    entry = Entry.decode(payload)
    if entry.conversation != direct_conversation(app.person, sender.person):
        raise ProtocolError("an entry of another conversation")
    # What devices wrote that are gone comes from those that go on: the sender's own, and mine, which he kept.
    if entry.header.kind != KIND or _author(tx, entry) not in (sender.person, app.person):
        raise ProtocolError("an entry of another author or kind")
    return entry


def _author(tx: Reader, entry: Entry) -> PersonId | None:
    device = people.device(tx, entry.header.device)
    return device.person if device else None


def take_read(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact has seen my messages up to an entry. Raises ProtocolError if the mark is not for our chat."""
    mark = ReadMark.decode(payload)
    if mark.conversation != direct_conversation(app.person, sender.person):
        raise ProtocolError("a read mark for another conversation")
    seen = messages.get(tx, mark.entry)
    if seen and seen.conversation == mark.conversation:
        ids = deliveries.read_up_to(tx, mark.conversation, seen.lamport, sender.person, app.now_ms())
        chats.moved(app, tx, ids, sender.person, "read")


def delivered(app: App, tx: Transaction, device: DeviceId, ids: list[EntryId]) -> None:
    """A device has committed these messages of mine."""
    known = people.device(tx, device)
    assert known is not None
    advanced = deliveries.advance(tx, ids, known.person, "delivered", app.now_ms())
    chats.moved(app, tx, advanced, known.person, "delivered")


def take_heads(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact says what it holds of our accounts. Raises ProtocolError if that is malformed."""
    known = people.person(tx, sender.person)
    assert known is not None
    if recovering.is_needed(app, tx, sender.person):
        ledger_recovery.take_heads(app, tx, sender, payload)
        settle_accounts(app, tx, sender.person)


def settle_accounts(app: App, tx: Transaction, person: PersonId) -> None:
    """Go on with the recovery of the accounts with `person`, unless I may not write to him now."""
    known = people.person(tx, person)
    if (
        known is None
        or known.state != "accepted"
        or known.changed
        or not recovering.is_needed(app, tx, person)
    ):
        return
    _say_all(app, tx, known, ledger_recovery.advance(app, tx, person))
    if not recovering.is_needed(app, tx, person):
        for lock in [*passages.adopt_orphans(app, tx, person), *passages.unfinished(tx)]:
            move_circulation(app, tx, lock)


def move_circulation(
    app: App, tx: Transaction, lock: bytes, via: tuple[PersonId, Unit] | None = None
) -> None:
    """Sign and send what is due under `lock`, unless I may not write to one of those concerned now."""
    try:
        with tx.savepoint():
            for id, written in passages.advance(app, tx, lock, via):
                person = people.person(tx, id)
                assert person is not None
                say(app, tx, person, written.said, shown=written.shown)
    except UsageError as error:  # upkeep tries again
        logger.info("A circulation has to wait: %s.", error)


def _say_all(app: App, tx: Transaction, person: people.Person, signed: list[Written]) -> None:
    for written in signed:
        say(app, tx, person, written.said, shown=written.shown)


def _store(app: App, tx: Transaction, entry: Entry, other: PersonId) -> None:
    person = _author(tx, entry)
    assert person is not None
    logs.append(tx, entry, app.now_ms())
    if person == app.person:  # of a device that I lost: he has it, or it would not come from him
        deliveries.expect(tx, entry.id, [other], app.now_ms())
        deliveries.advance(tx, [entry.id], other, "delivered", app.now_ms())
    if entry.body is not None:  # else its author deleted it before it could be delivered
        taken = contents.apply(app, tx, entry, person, entry.body)
        if taken and person == other:
            _answer(app, tx, person, taken)
        if taken:
            settle_accounts(app, tx, other)
            for lock in taken.locks:
                move_circulation(app, tx, lock, via=(other, taken.unit))


def _answer(app: App, tx: Transaction, person: PersonId, taken: Taken) -> None:
    known = people.person(tx, person)
    assert known is not None
    try:
        with tx.savepoint():
            written = ledger_intake.sign_unasked(app, tx, person, taken)
            if taken.closure is not None:
                written += ledger_recovery.agree(app, tx, person, taken.unit, taken.closure)
            _say_all(app, tx, known, written)
    except UsageError as error:  # I may not write to him now: a person will have to decide
        logger.info("Nothing was signed unasked: %s.", error)
