"""Saying something in a chat, be it with a contact or a group, and keeping chats in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from p2pchat.core import content
from p2pchat.core.files.attachment import Attachment, wordless
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId, EntryId, GroupId
from p2pchat.core.mentions import MAX_MENTIONS, Mention, find
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.effects import GroupGrew, Passing, Retry
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, direct
from p2pchat.node.features.group import group_messages, group_reading, group_views
from p2pchat.node.features.people.names import chat_name, name_of
from p2pchat.store import deliveries, groups, logs, messages, people, polls
from p2pchat.store.transaction import Reader, Transaction

ONCE_DAYS: Final = 7  # so long I can look up what I let others read once

Chat = people.Person | groups.Membership


def id_of(app: App, chat: Chat) -> ConversationId:
    """The conversation with a contact or in a group."""
    return direct_conversation(app.person, chat.id) if isinstance(chat, people.Person) else chat.group


def say(app: App, tx: Transaction, chat: Chat, said: content.Sayable) -> EntryId:
    """Say something; it is stored, and queued for all recipients, when this returns.

    Raises:
        NotAllowedError: I may not write there.
    """
    if isinstance(chat, people.Person):
        return direct.say(app, tx, chat, said)
    return group_messages.say(app, tx, chat, said)


def write(
    app: App,
    tx: Transaction,
    chat: Chat,
    text: str,
    reply: messages.Message | None,
    mentioned: Sequence[people.Person] = (),
    expires_s: int | None = None,
    *,
    once: bool = False,
    urgent: bool = False,
    attached: Sequence[Attachment] = (),
) -> EntryId:
    """Write a text, perhaps in answer to a message of the chat; with files it may have no words.

    It vanishes `expires_s` seconds later, or when the chat's timer says; if `once`, a minute after its
    readers have read it, and at the latest after `ONCE_DAYS`. If `urgent`, they hear of it in muted chats.

    Whoever is named in it with an @, and those `mentioned`, are told that it is for them.

    Raises:
        UsageError: the text cannot be sent, the message is of another chat, who is mentioned no member, or
            the time out of bounds.
        NotAllowedError: I may not write there.
    """
    check_writing(app, chat, reply, expires_s)
    if attached and once:
        raise UsageError("files cannot be viewed once: their reader may save them")
    if attached and not text.strip():
        text = wordless([one.name for one in attached])
    known = logs.conversation(tx, id_of(app, chat))
    timer = expires_s or (known.timer_s if known else 0) or (ONCE_DAYS * 86_400 if once else 0)
    said = content.Text(
        content.checked_text(text),
        reply.id if reply else None,
        timer or None,
        mentions_in(app, tx, chat, text, mentioned),
        once,
        urgent,
        tuple(attached),
    )
    id = say(app, tx, chat, said)
    if known and known.draft:
        keep_draft(app, tx, chat, "")
    return id


def read(app: App, tx: Transaction, chat: Chat, upto: EntryId | None) -> None:
    """What has arrived (until and with `upto`) was shown to me; whoever wrote it is told, if I want that."""
    conversation = id_of(app, chat)
    authors = chats.mark_read(app, tx, conversation, upto=upto)
    if authors:
        tx.effects.append(Passing("chat.read", {"chat": chat_name(app, tx, conversation)}, app.now_ms()))
    if authors and not isinstance(chat, people.Person) and settings.get(tx).read_receipts:
        group_reading.tell(app, tx, chat.group, authors)


def mentions_in(
    app: App, tx: Reader, chat: Chat, text: str, mentioned: Sequence[people.Person] = ()
) -> tuple[Mention, ...]:
    """Whom a text to `chat` names, by my own names for the members. Raises UsageError."""
    if isinstance(chat, people.Person):
        if mentioned:
            raise UsageError("people are mentioned in groups; a private chat has one reader")
        return ()
    if not mentioned and "@" not in text:
        return ()
    members = group_views.persons(app, tx, chat.group) - {app.person}
    found = list(find(text, {name_of(app, tx, one): one for one in members}))
    for person in mentioned:
        if person.id not in members:
            raise UsageError(f"{person.petname} is no member of #{chat.name}")
        if all(one.person != person.id for one in found):
            found.append(Mention(person.id, ""))
    if len(found) > MAX_MENTIONS:
        raise UsageError(f"at most {MAX_MENTIONS} people can be mentioned in one message")
    return tuple(found)


def check_writing(app: App, chat: Chat, reply: messages.Message | None, expires_s: int | None) -> None:
    """Return if a text to `chat` may answer `reply` and vanish after `expires_s`. Raises UsageError."""
    if reply and reply.conversation != id_of(app, chat):
        raise UsageError("the message to reply to is in another chat")
    if expires_s is not None and not 0 < expires_s <= content.MAX_TIMER_S:
        raise UsageError(f"a message vanishes after 1 to {content.MAX_TIMER_S} seconds (28 days)")


def check_may_write(app: App, tx: Reader, chat: Chat) -> None:
    """Return if I may say something in the chat now. Raises NotAllowedError, or UntrustedKeyError."""
    if isinstance(chat, people.Person):
        direct.check_contact(chat)
        direct.check_trusted(chat)
    else:
        group_views.check_may_write(app, tx, chat)


def keep_draft(app: App, tx: Transaction, chat: Chat, text: str) -> None:
    """Keep what was typed and not sent, for all faces; empty forgets it. It is told, but stays in no event.

    Raises:
        UsageError: it is too long or not valid Unicode.
        NotFoundError: there is no chat with the person yet.
    """
    if text:
        content.checked_draft(text)
    conversation = id_of(app, chat)
    if not logs.set_draft(tx, conversation, text):
        raise NotFoundError("there is no chat yet to keep a draft in")
    tx.effects.append(Passing("chat.draft", {"chat": chat_name(app, tx, conversation)}, app.now_ms()))


def retry(app: App, tx: Transaction, message: messages.Message) -> None:
    """Try at once to bring a message of mine to those who do not have it, also to who refused it.

    Raises:
        NotAllowedError: it is not mine.
    """
    if not message.mine:
        raise NotAllowedError("only a message of yours is on its way to others")
    lacking = [one for one in deliveries.of(tx, message.id) if one.state in ("queued", "handed", "failed")]
    deliveries.try_again(tx, message.id, app.now_ms())
    for one in lacking:
        tx.effects += [Retry(device.id) for device in people.devices(tx, one.person)]
    entry = logs.get(tx, message.id)
    if lacking and entry and groups.get(tx, GroupId(message.conversation)):
        tx.effects.append(GroupGrew(GroupId(message.conversation), (entry.encode(),)))


def change(app: App, tx: Transaction, message: messages.Message, said: content.Sayable) -> None:
    """Say something about an earlier message, in its chat.

    Raises:
        NotAllowedError: it is not mine to edit or delete, says nothing any more, or I may not write there.
    """
    if isinstance(said, content.Edit | content.Delete) and not (message.mine and message.kind == "text"):
        raise NotAllowedError("only your own texts can be edited or deleted")
    if isinstance(said, content.Edit) and polls.get(tx, message.id):
        raise NotAllowedError("a poll cannot be edited: delete it and ask again")
    if message.kind in ("deleted", "sealed"):
        raise NotAllowedError("there is nothing to react to or to pin: the message cannot be read")
    say(app, tx, chat_of(tx, message.conversation), said)


def chat_of(tx: Reader, conversation: ConversationId) -> Chat:
    """The contact or the group of a stored conversation."""
    known = logs.conversation(tx, conversation)
    assert known is not None
    chat = people.person(tx, known.person) if known.person else groups.get(tx, GroupId(conversation))
    assert chat is not None
    return chat
