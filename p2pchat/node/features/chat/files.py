"""Files in chats: who may have which, what is fetched unasked, and what becomes of those nobody names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from p2pchat.core.files.attachment import MAX_FILES, Attachment
from p2pchat.core.ids import DeviceId, EntryId, FileId, GroupId, PersonId
from p2pchat.core.log.entry import Entry
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.effects import FilesWanted
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_views
from p2pchat.node.features.people.names import chat_name, find_message, whole_bytes
from p2pchat.store import events, files, groups, logs, messages, people
from p2pchat.store.transaction import Reader, Transaction

MEGABYTE: Final = 1_000_000
UNSENT_FOR_MS: Final = 86_400_000  # how long a file that was put here to be sent waits for its message
_LEAST_PREFIX: Final = 4


def note(app: App, tx: Transaction, entry: Entry, person: PersonId, named: Sequence[Attachment]) -> None:
    """A message names files: they are known from now on, and small ones of others are fetched at once."""
    for one in {one.id: one for one in named}.values():
        is_wanted = person != app.person and _is_fetched_unasked(tx, one)
        files.add(tx, one, files.WANTED if is_wanted else files.OFFERED, app.now_ms())
        if is_wanted:
            tx.effects.append(FilesWanted())
    files.attach(tx, entry.id, [one.id for one in named])


def _is_fetched_unasked(tx: Reader, one: Attachment) -> bool:
    """Small, and within what may be filled by whoever writes to me."""
    now = settings.get(tx)
    if one.size > now.fetch_megabytes * MEGABYTE:
        return False
    return files.bytes_kept(tx) + one.size <= now.files_megabytes * MEGABYTE


def to_send(app: App, tx: Reader, ids: Sequence[str]) -> tuple[Attachment, ...]:
    """Files that are here, as a message names them.

    Raises:
        UsageError: there are too many, or one is named twice.
        NotFoundError: one is not known.
        NotAllowedError: one is not here.
    """
    if len(ids) > MAX_FILES:
        raise UsageError(f"at most {MAX_FILES} files go with one message")
    found = [find(tx, id) for id in ids]
    if len({one.id for one in found}) < len(found):
        raise UsageError("a file goes with a message once")
    for one in found:
        if one.state != files.HERE or not app.blobs.has(one.about):
            raise NotAllowedError(f"{one.about.name} is not here: get it first")
    return tuple(one.about for one in found)


def find(tx: Reader, text: str) -> files.File:
    """The file whose id begins with `text`. Raises NotFoundError, or UsageError if that is too short."""
    prefix = text.strip().lower()
    if len(prefix) < _LEAST_PREFIX:
        raise UsageError(f"'{text}' is too short for a file's id: give at least {_LEAST_PREFIX} letters")
    found = [
        id for id in files.beginning_with(tx, whole_bytes(prefix), limit=1000) if id.text.startswith(prefix)
    ]
    if len(found) != 1:
        several = "several files" if found else "no file's id"
        raise NotFoundError(f"'{text}' is the beginning of {several}")
    one = files.get(tx, found[0])
    assert one is not None
    return one


def named_by(tx: Reader, text: str) -> list[tuple[files.File, EntryId]]:
    """The file, or the files of the message, whose id begins with `text`, with the message.

    Raises:
        NotFoundError: there is none.
    """
    try:
        one = find(tx, text)
    except NotFoundError as error:
        try:
            message = find_message(tx, text)
        except NotFoundError:
            raise error from None
        found = [(one, message.id) for one in files.of_message(tx, message.id)]
        if not found:
            raise NotFoundError(f"no file goes with the message {message.id.text[:8]}") from None
        return found
    return [(one, message) for message in files.messages_of(tx, one.id)[-1:]]


def fetch(app: App, tx: Transaction, one: files.File) -> None:
    """Fetch a file from whoever has it, now or as soon as one of them is there; nothing, if it is here.

    Raises:
        NotAllowedError: its author sealed something that does not open.
    """
    if one.state == files.BROKEN:
        raise NotAllowedError(f"{one.about.name} does not open: its author has to send it again")
    if one.state == files.HERE and app.blobs.has(one.about):
        return
    files.set_state(tx, one.id, files.WANTED, app.now_ms())
    tx.effects.append(FilesWanted())


def cancel(app: App, tx: Transaction, one: files.File) -> None:
    """Do not fetch a file, and forget what has come of it.

    Raises:
        NotAllowedError: I have sent it, and others may still want it.
    """
    if any((message := messages.get(tx, id)) and message.mine for id in files.messages_of(tx, one.id)):
        raise NotAllowedError(f"you have sent {one.about.name}: delete the message to take it back")
    files.set_state(tx, one.id, files.OFFERED, app.now_ms())
    tx.effects.append(files.Forgotten((one.id,)))


def arrived(app: App, tx: Transaction, id: FileId, state: str = files.HERE) -> bool:
    """All of a file is here, or it turned out `files.BROKEN`; False if nobody wants it any more."""
    one = files.get(tx, id)
    if one is None or one.state != files.WANTED:
        return False
    files.set_state(tx, id, state, app.now_ms())
    for entry in files.messages_of(tx, id):
        message = messages.get(tx, entry)
        assert message is not None
        data = {"id": entry.text, "file": id.text, "chat": chat_name(app, tx, message.conversation)}
        events.record(tx, "file.done" if state == files.HERE else "file.broken", data, app.now_ms())
    return True


def for_peer(app: App, tx: Reader, device: DeviceId, id: FileId) -> files.File | None:
    """A file that is here and that a device may have: its person is in a chat where the file was sent."""
    one = files.get(tx, id)
    if one is None or one.state != files.HERE:
        return None
    named = [messages.get(tx, entry) for entry in files.messages_of(tx, id)]
    chats = {message.conversation for message in named if message}
    return one if any(device in _readers(app, tx, chat) for chat in chats) else None


def holders(app: App, tx: Reader, id: FileId) -> list[DeviceId]:
    """The devices that may have a file, those of who sent it first."""
    found: dict[DeviceId, None] = {}
    chats: dict[bytes, None] = {}
    for entry in files.messages_of(tx, id):
        message = messages.get(tx, entry)
        assert message is not None
        chats[message.conversation] = None
        readers = _readers(app, tx, message.conversation)
        found |= {one.id: None for one in people.devices(tx, message.person) if one.id in readers}
    for chat in chats:
        found |= dict.fromkeys(sorted(_readers(app, tx, chat)))
    return [one for one in found if one != app.device]


def _readers(app: App, tx: Reader, conversation: bytes) -> set[DeviceId]:
    """The devices of the others in a chat, as far as I would write to them now."""
    known = logs.conversation(tx, GroupId(conversation))
    if known is None:
        return set()
    if known.person is None:
        membership = groups.get(tx, GroupId(conversation))
        is_in = membership is not None and membership.state == "joined"
        return group_views.member_devices(app, tx, GroupId(conversation)) if is_in else set()
    person = people.person(tx, known.person)
    if person is None or person.state != "accepted" or person.changed:
        return set()
    return {one.id for one in people.devices(tx, person.id)}


def tidy(app: App, tx: Transaction) -> set[FileId]:
    """Bring what is noted in line with what is on the disk; the files that are known then.

    A restored store knows files whose bytes it does not have: they are offered as if they had just come.
    """
    for id in files.in_state(tx, files.HERE):
        one = files.get(tx, id)
        assert one is not None
        if not app.blobs.has(one.about):
            files.set_state(tx, id, files.OFFERED, app.now_ms())
    for one in files.wanted(tx):
        if app.blobs.has(one.about):  # the power went before it could be noted
            arrived(app, tx, one.id)
    files.forget(tx, files.unsent(tx, app.now_ms() - UNSENT_FOR_MS))
    return files.every(tx)
