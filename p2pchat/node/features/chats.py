"""Direct messages and what is shown of any chat: history, search, unread, deliveries."""

from __future__ import annotations

from p2pchat.core import content
from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item, ReadMark
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.errors import NotAllowedError, ProtocolError
from p2pchat.node.effects import Wake
from p2pchat.node.features import ledger, log
from p2pchat.node.features.app import App
from p2pchat.node.features.names import chat_name, name_of
from p2pchat.store import events, logs, messages, outbox, people
from p2pchat.store.transaction import Transaction

DIRECT_KIND = "message"  # header.kind of every entry of a direct log


def send_text(app: App, tx: Transaction, person: people.Person, text: str) -> EntryId:
    """Write a text to a contact: stored and queued when this returns.

    Raises:
        NotAllowedError: the person is not (to be) a contact.
        UsageError: the text cannot be sent.
    """
    checked = content.checked_text(text)
    return send_content(app, tx, person, content.Text(checked), kind="text", shown=checked)


def send_content(
    app: App,
    tx: Transaction,
    person: people.Person,
    said: content.Text | content.LedgerNote,
    *,
    kind: str,
    shown: str,
) -> EntryId:
    """Append an entry to the log I share with `person`, and queue it for all his devices."""
    if person.state not in ("accepted", "requested"):
        raise NotAllowedError(
            f"{person.petname} is not a contact: accept the request first"
            if person.state == "pending"
            else f"{person.petname} is not a contact ({person.state})"
        )
    conversation = direct_conversation(app.person, person.id)
    logs.open_direct(tx, conversation, person.id)
    body = content.encode_content(said, app.entropy(content.SALT_SIZE))
    entry = log.compose(app, tx, conversation, DIRECT_KIND, body)
    logs.append(tx, entry, app.now_ms())
    show(app, tx, entry, app.person, kind, shown)
    messages.expect(tx, entry.id, [person.id], app.now_ms())
    for device in people.devices(tx, person.id):
        outbox.put(tx, device.id, Item(items.ENTRY, entry.encode()), entry=entry.id)
        tx.effects.append(Wake(device.id))
    return entry.id


def show(
    app: App,
    tx: Transaction,
    entry: Entry,
    person: PersonId,
    kind: str,
    text: str,
    *,
    session: bytes | None = None,
) -> None:
    """Make a stored entry a line of its chat, and tell listeners."""
    header = entry.header
    messages.add(
        tx,
        messages.Message(
            entry.id,
            header.conversation,
            header.lamport,
            header.device,
            person,
            person == app.person,
            kind,
            text,
            header.sent_ms,
            app.now_ms(),
            session,
        ),
    )
    logs.touch(tx, header.conversation, app.now_ms())
    tell(app, tx, entry.id, header.conversation, person, kind, text)


def tell(
    app: App,
    tx: Transaction,
    id: EntryId,
    conversation: ConversationId,
    person: PersonId,
    kind: str,
    text: str,
) -> None:
    """Record the event that a message is there to be seen."""
    mine = person == app.person
    events.record(
        tx,
        "message.sent" if mine else "message.received",
        {
            "id": id.text,
            "chat": chat_name(app, tx, conversation),
            "sender": name_of(app, tx, person),
            "kind": kind,
            "text": text,
        },
        app.now_ms(),
    )


def mark_read(app: App, tx: Transaction, conversation: ConversationId) -> None:
    """Everything of the chat was shown to me; the contact of a direct chat is told."""
    newest = messages.last(tx, conversation)
    known = logs.conversation(tx, conversation)
    if newest is None or known is None or newest.lamport <= known.read_lamport:
        return
    foreign = messages.unread(tx, conversation, known.read_lamport) > 0
    logs.mark_read(tx, conversation, newest.lamport)
    if foreign and known.person:
        for device in people.devices(tx, known.person):
            outbox.drop(tx, device.id, items.READ)
            outbox.put(tx, device.id, Item(items.READ, ReadMark(conversation, newest.id).encode()))
            tx.effects.append(Wake(device.id))


def moved(app: App, tx: Transaction, ids: list[EntryId], person: PersonId, state: str) -> None:
    """Tell listeners that messages of mine have come further."""
    name = name_of(app, tx, person)
    for id in ids:
        events.record(tx, "message.state", {"id": id.text, "name": name, "state": state}, app.now_ms())


# --- from peers -----------------------------------------------------------------------------------


def take_entry(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """An entry of the log that a contact and I share.

    Raises:
        ProtocolError: malformed, not the sender's own, out of its place, or in a wrong conversation.
    """
    entry = Entry.decode(payload)
    conversation = direct_conversation(app.person, sender.person)
    if entry.header.conversation != conversation or entry.header.device != sender.id:
        raise ProtocolError("an entry of another conversation or author")
    if entry.header.kind != DIRECT_KIND or entry.body is None:
        raise ProtocolError("not an entry of a direct chat")
    entry.verify()
    log.take(app, tx, entry, lambda taken: _store(app, tx, taken, sender.person))


def take_read(app: App, tx: Transaction, sender: people.Device, payload: bytes) -> None:
    """A contact has seen my messages up to an entry. Raises ProtocolError if the mark is not for our chat."""
    mark = ReadMark.decode(payload)
    if mark.conversation != direct_conversation(app.person, sender.person):
        raise ProtocolError("a read mark for another conversation")
    seen = messages.get(tx, mark.entry)
    if seen and seen.conversation == mark.conversation:
        moved_ids = messages.read_up_to(tx, mark.conversation, seen.lamport, sender.person, app.now_ms())
        moved(app, tx, moved_ids, sender.person, "read")


def delivered(app: App, tx: Transaction, device: DeviceId, ids: list[EntryId]) -> None:
    """A device has committed these messages of mine."""
    known = people.device(tx, device)
    assert known is not None
    advanced = [id for id in ids if messages.advance(tx, id, known.person, "delivered", app.now_ms())]
    moved(app, tx, advanced, known.person, "delivered")


def _store(app: App, tx: Transaction, entry: Entry, person: PersonId) -> None:
    assert entry.body is not None
    said = content.decode_content(entry.body)
    logs.append(tx, entry, app.now_ms())
    match said:
        case content.Text(text):
            show(app, tx, entry, person, "text", text)
        case content.LedgerNote() as note:
            show(app, tx, entry, person, "iou", ledger.take(app, tx, person, note))
        case content.Unknown(kind):
            show(app, tx, entry, person, "unknown", f"a message of a newer version ({kind})")
