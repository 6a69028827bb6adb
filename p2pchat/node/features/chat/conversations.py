"""Saying something in a chat, be it with a contact or a group, and keeping chats in order."""

from __future__ import annotations

from collections.abc import Sequence

from p2pchat.core import content
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId, EntryId, GroupId
from p2pchat.core.mentions import MAX_MENTIONS, Mention, find
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.effects import Passing
from p2pchat.node.features import settings
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, direct
from p2pchat.node.features.group import group_messages, group_reading, group_views
from p2pchat.node.features.people.names import chat_name, name_of
from p2pchat.store import groups, logs, messages, people, polls
from p2pchat.store.transaction import Reader, Transaction

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
) -> EntryId:
    """Write a text, perhaps in answer to a message of the chat; it vanishes if the chat has a timer.

    Whoever is named in it with an @, and those `mentioned`, are told that it is for them.

    Raises:
        UsageError: the text cannot be sent, the message is of another chat, or who is mentioned no member.
        NotAllowedError: I may not write there.
    """
    conversation = id_of(app, chat)
    if reply and reply.conversation != conversation:
        raise UsageError("the message to reply to is in another chat")
    known = logs.conversation(tx, conversation)
    timer = known.timer_s if known else 0
    said = content.Text(
        content.checked_text(text),
        reply.id if reply else None,
        timer or None,
        mentions_in(app, tx, chat, text, mentioned),
    )
    id = say(app, tx, chat, said)
    if known and known.draft:
        keep_draft(app, tx, chat, "")
    return id


def read(app: App, tx: Transaction, chat: Chat, upto: EntryId | None) -> None:
    """What has arrived (until and with `upto`) was shown to me; whoever wrote it is told, if I want that."""
    authors = chats.mark_read(app, tx, id_of(app, chat), upto=upto)
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
