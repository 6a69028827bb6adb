"""Files as the API shows them."""

from __future__ import annotations

from p2pchat.api import schema as s
from p2pchat.core.ids import EntryId
from p2pchat.core.log.order import shown_ms
from p2pchat.node.features.app import App
from p2pchat.node.features.people.names import chat_name, name_of
from p2pchat.store import files, messages
from p2pchat.store.transaction import Reader


def file(app: App, one: files.File) -> s.File:
    """A file, and how far it is here."""
    state, done, reason = _progress(app, one)
    return s.File(
        id=one.id.text,
        name=one.about.name,
        type=one.about.media_type,
        size=one.about.size,
        state=state,
        done=done,
        reason=reason,
    )


def file_in(app: App, tx: Reader, one: files.File, entry: EntryId) -> s.File:
    """The same with what is known of the message that names it."""
    shown, message = file(app, one), messages.get(tx, entry)
    if message is not None:
        shown.message = entry.text
        shown.chat = chat_name(app, tx, message.conversation)
        shown.sender = name_of(app, tx, message.person)
        shown.mine = message.mine
        shown.at_ms = shown_ms(message.sent_ms, message.received_ms)
    return shown


def _progress(app: App, one: files.File) -> tuple[str, int, str]:
    """State, bytes that have come, and what is in the way."""
    if one.state == files.HERE:
        return "here", one.about.size, ""
    if one.state != files.WANTED:
        return one.state, 0, ""
    now = app.fetching.get(one.id)
    if now is None:
        return "waiting", min(one.about.size, app.blobs.came(one.about)), ""
    return "gone" if now.trouble else "fetching", now.came, now.trouble
