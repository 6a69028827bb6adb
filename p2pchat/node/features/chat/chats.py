"""What is shown of any chat: lines, what was read, and how each chat is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from p2pchat.core import content
from p2pchat.core.direct import items
from p2pchat.core.direct.items import Item, ReadMark
from p2pchat.core.ids import ConversationId, DeviceId, EntryId, PersonId
from p2pchat.core.keys import tagged_hash
from p2pchat.core.log.entry import Entry
from p2pchat.core.log.order import next_lamport
from p2pchat.node.effects import Wake
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.people.names import chat_name, name_of
from p2pchat.store import events, logs, messages, outbox, people, registers
from p2pchat.store.transaction import Transaction


def show(
    app: App,
    tx: Transaction,
    entry: Entry,
    person: PersonId,
    kind: str,
    text: str,
    *,
    session: bytes | None = None,
    reply: EntryId | None = None,
    expires_s: int | None = None,
    once: bool = False,
    told: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Make a stored entry a line of its chat, and tell listeners; `told` goes into the event.

    It vanishes after `expires_s` seconds, or if `once`, a while after I have read it.
    """
    header, now_ms = entry.header, app.now_ms()
    type = "message.sent" if person == app.person else "message.received"
    event = tell(app, tx, type, entry.id, entry.conversation, person, kind=kind, text=text, **told)
    message = messages.Message(
        entry.id,
        entry.conversation,
        header.lamport,
        header.device,
        person,
        person == app.person,
        kind,
        text,
        header.sent_ms,
        now_ms,
        session,
        reply,
        expires_ms=messages.ONCE if once else now_ms + 1000 * expires_s if expires_s else 0,
        event=event.seq,
    )
    messages.add(tx, message)
    logs.touch(tx, entry.conversation, now_ms)


def remark(
    app: App,
    tx: Transaction,
    conversation: ConversationId,
    person: PersonId,
    device: DeviceId,
    number: int,
    text: str,
) -> None:
    """A line about `person` that stands in no log: something that only this store noticed.

    `device` and `number` tell it from other remarks.
    """
    now_ms = app.now_ms()
    id = EntryId(tagged_hash("remark", conversation, device, number.to_bytes(8, "big")))
    _, lamport = logs.heads(tx, conversation)
    place = next_lamport(lamport, now_ms)
    event = tell(app, tx, "message.received", id, conversation, person, kind="group", text=text)
    line = messages.Message(id, conversation, place, device, person, False, "group", text, now_ms, now_ms)
    messages.add(tx, replace(line, event=event.seq))
    logs.touch(tx, conversation, now_ms)


def tell(
    app: App,
    tx: Transaction,
    event: str,
    id: EntryId,
    conversation: ConversationId,
    person: PersonId,
    *,
    is_sought: bool = False,
    **details: object,
) -> events.Event:
    """Record what happened to a message, and by whom; `is_sought` as in `events.record`."""
    data = {
        "id": id.text,
        "chat": chat_name(app, tx, conversation),
        "sender": name_of(app, tx, person),
        **details,
    }
    return events.record(tx, event, data, app.now_ms(), is_sought=is_sought)


def mark_read(
    app: App, tx: Transaction, conversation: ConversationId, *, upto: EntryId | None = None
) -> set[DeviceId]:
    """What has arrived (until and with `upto`) was shown to me; a contact is told, if I want that.

    Gives the devices that wrote what of it is news.
    """
    news = messages.see(tx, conversation, upto=upto)
    if not news:
        return news
    messages.expire_once(tx, conversation, app.now_ms() + 1000 * content.ONCE_S)
    heard, known = messages.last_seen(tx, conversation), logs.conversation(tx, conversation)
    if heard and known and known.person and settings.get(tx).read_receipts:
        for device in people.devices(tx, known.person):
            outbox.drop(tx, device.id, items.READ)
            outbox.put(tx, device.id, Item(items.READ, ReadMark(conversation, heard.id).encode()))
            tx.effects.append(Wake(device.id))
    return news


def moved(app: App, tx: Transaction, ids: list[EntryId], person: PersonId, state: str) -> None:
    """Tell listeners that messages of mine have come further."""
    name = name_of(app, tx, person)
    for id in ids:
        events.record(tx, "message.state", {"id": id.text, "name": name, "state": state}, app.now_ms())


def erase(tx: Transaction, id: EntryId) -> None:
    """Forget what a message said, in the log, in the outbox and in events; the headers stay."""
    events.scrub(tx, id)
    for entry_id in (id, *messages.edits(tx, id)):
        entry = logs.get(tx, entry_id)
        logs.erase(tx, entry_id)
        if entry:
            outbox.rewrite(tx, entry_id, entry.without_body().encode())


def vanish(app: App, tx: Transaction, *, limit: int) -> int:
    """Forget messages whose time has come; how many."""
    due = messages.expired(tx, app.now_ms(), limit=limit)
    for id in due:
        message = messages.get(tx, id)
        assert message is not None
        erase(tx, id)
        messages.forget(tx, id)
        registers.forget(tx, id)
        tell(app, tx, "message.vanished", id, message.conversation, message.person)
    return len(due)
