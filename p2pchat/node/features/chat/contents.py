"""What an opened entry does to its chat: a new line, or a change to an older one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from p2pchat.core import content
from p2pchat.core.ids import EntryId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.core.mentions import Mention
from p2pchat.errors import ProtocolError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, files
from p2pchat.node.features.ledger import ledger_intake
from p2pchat.node.features.ledger.ledger_intake import Taken
from p2pchat.store import logs, messages, polls, registers
from p2pchat.store.transaction import Reader, Transaction

logger = logging.getLogger(__name__)

_DELETABLE: Final = frozenset({"text", "sealed", "missing"})  # what is, or may turn out to be, a text


def apply(app: App, tx: Transaction, entry: Entry, person: PersonId, body: bytes) -> Taken | None:
    """Do what the stored `entry` of `person` says; gives the ledger entry of somebody else that it held.

    Whatever it says, it stays in the log: a chain with a hole would keep out all that follows.
    """
    try:
        said = content.decode_content(body)
        if isinstance(said, content.Text):  # nothing can go wrong half-way: spare the savepoint
            return _do(app, tx, entry, person, said)
        with tx.savepoint():
            return _do(app, tx, entry, person, said)
    except ProtocolError as error:
        logger.warning("An entry of %s says nothing acceptable: %s.", entry.header.device.short, error)
        chats.show(app, tx, entry, person, "unknown", "something that cannot be accepted here")
        return None


def apply_mine(app: App, tx: Transaction, entry: Entry, said: content.Sayable, *, shown: str = "") -> None:
    """Do what the stored `entry`, which I have just written, says; `shown` are words for a ledger entry."""
    _do(app, tx, entry, app.person, said, shown)


def _do(
    app: App, tx: Transaction, entry: Entry, person: PersonId, said: content.Content, shown: str = ""
) -> Taken | None:
    match said:
        case content.Text(text, reply, expires_s, mentions, once, urgent, attached):
            told: dict[str, int] = _mentioned(app, tx, entry.id, mentions)
            told |= {name: True for name, on in (("once", once), ("urgent", urgent)) if on}
            told |= {"files": len(attached)} if attached else {}
            once = once and person != app.person  # mine stays until it expires
            chats.show(
                app, tx, entry, person, "text", text, reply=reply, expires_s=expires_s, once=once, told=told
            )
            if attached:
                files.note(app, tx, entry, person, attached)
        case content.Edit(target, text, mentions):
            message = _target(tx, entry, target, of=person)
            # The words of a message that cannot be read yet wait in the log, `edit` says where.
            if message and message.kind in _DELETABLE and polls.get(tx, target) is None:
                is_newest = messages.note_edit(tx, target, entry.id)
                if is_newest and message.kind == "text":
                    messages.edit(tx, target, text, app.now_ms())
                    messages.mention(tx, target, ())
                    told = _mentioned(app, tx, target, mentions)
                    chats.tell(
                        app,
                        tx,
                        "message.edited",
                        target,
                        message.conversation,
                        person,
                        text=text,
                        is_sought=True,
                        **told,
                    )
        case content.Delete(target, edits):
            message = _target(tx, entry, target, of=person)
            if message and message.kind in _DELETABLE:
                chats.erase(tx, target)
                messages.delete(tx, target)
                polls.forget(tx, target)
                chats.tell(app, tx, "message.deleted", target, message.conversation, person)
            for edit in edits:
                _forget_edit(tx, _target(tx, entry, edit, of=person))
        case content.Reaction(target, emoji):
            message = _target(tx, entry, target)
            if (
                message
                and message.kind != "deleted"
                and registers.write(tx, target, "reaction", entry, writer=person)
            ):
                messages.react(tx, target, person, emoji, app.now_ms())
                chats.tell(app, tx, "message.reaction", target, message.conversation, person, emoji=emoji)
        case content.Pin(target, pinned):
            message = _target(tx, entry, target)
            if message and message.kind != "deleted" and registers.write(tx, target, "pin", entry):
                messages.pin(tx, target, pinned)
                chats.tell(app, tx, "message.pinned", target, message.conversation, person, pinned=pinned)
        case content.Timer(seconds):
            if registers.write(tx, entry.conversation, "timer", entry):
                logs.set_timer(tx, entry.conversation, seconds)
            chats.show(app, tx, entry, person, "group", _timer_words(seconds))
        case content.Poll() as poll:
            polls.add(tx, entry.id, poll)
            chats.show(app, tx, entry, person, "text", poll_text(poll))
        case content.Vote(target, choices):
            message = _target(tx, entry, target)
            if message and message.kind != "deleted":
                polls.note(tx, target, entry, person, choices)
                chats.tell(app, tx, "poll.voted", target, message.conversation, person)
        case content.ClosePoll(target):
            message = _target(tx, entry, target, of=person)
            if message and message.kind != "deleted":
                polls.note(tx, target, entry, person, None)
                chats.tell(app, tx, "poll.closed", target, message.conversation, person)
        case content.LedgerNote() if shown:
            chats.show(app, tx, entry, person, "iou", shown)
        case content.LedgerNote() as note:
            taken = ledger_intake.take(app, tx, entry.conversation, person, note)
            chats.show(app, tx, entry, person, "iou", taken.words)
            return taken
        case content.Unknown(kind):
            chats.show(app, tx, entry, person, "unknown", f"a message of a newer version ({kind})")
    return None


def _mentioned(app: App, tx: Transaction, id: EntryId, mentions: Sequence[Mention]) -> dict[str, int]:
    """Note whom a text names; what is told of that with it."""
    if not mentions:
        return {}
    messages.mention(tx, id, mentions)
    return {"mentions_me": True} if any(one.person == app.person for one in mentions) else {}


def _forget_edit(tx: Transaction, line: messages.Message | None) -> None:
    """An edit of a deleted message is no line of the chat, though it came without its words or its key."""
    if line and line.kind in _DELETABLE:
        chats.erase(tx, line.id)
        messages.forget(tx, line.id)


def _target(
    tx: Reader, entry: Entry, target: EntryId, *, of: PersonId | None = None
) -> messages.Message | None:
    """The message that `entry` is about, if it is in the same chat, and (if named) `of` that person."""
    message = messages.get(tx, target)
    if message is None or message.conversation != entry.conversation:
        return None
    return message if of is None or message.person == of else None


def poll_text(poll: content.Poll) -> str:
    """A poll as the text of its line in the chat."""
    options = (f"{number}) {option}" for number, option in enumerate(poll.options, 1))
    return "\n".join([f"{poll.question}{' (several)' if poll.multiple else ''}", *options])


def _timer_words(seconds: int) -> str:
    if seconds == 0:
        return "lets messages stay from now on"
    units = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, name = next((size, name) for size, name in units if seconds % size == 0)
    count = seconds // size
    return f"lets messages vanish after {count} {name}{'s' if count > 1 else ''} from now on"
