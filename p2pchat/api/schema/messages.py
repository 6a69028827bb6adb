"""Messages and chats."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result
from p2pchat.api.schema.files import File


class Chat(Params):
    """A contact or a group."""

    chat: str


class Send(Params):
    """Write a text to a contact or a group. Members named in it with an @ are mentioned."""

    chat: str
    text: str
    reply: str | None = None  # id of the message that it answers
    mention: list[str] = msgspec.field(default_factory=list)  # others whom it mentions
    expire_s: int | None = None  # it vanishes so many seconds later; None: as the chat has it
    once: bool = False  # it vanishes a minute after its reader has read it, and with me after a week
    urgent: bool = False  # its reader is notified though the chat is muted, unless they want no notifications
    files: list[str] = msgspec.field(default_factory=list)  # ids, of `file.add` or of files that are here


class Schedule(Send, kw_only=True):
    """Write a text at a time that lies ahead; the node writes it then, or when it runs again."""

    at_ms: int


class ScheduledId(Params):
    """A message that waits for its time, by its id or the beginning of it."""

    id: str


class Scheduled(Result):
    """A message that waits for its time."""

    id: str
    chat: str
    text: str
    at_ms: int
    reply: str | None = None
    expire_s: int | None = None
    refused: str = ""  # why it could not be said when its time had come; it is not tried again


class ScheduledList(Result):
    """What waits for its time, the earliest first."""

    scheduled: list[Scheduled]


class EditMessage(Params):
    """Other words for a text of mine."""

    id: str
    text: str


class React(Params):
    """An emoji beside a message, in place of my earlier one; empty takes it back."""

    id: str
    emoji: str


class Mark(Params):
    """Put a mark on a message, or take it away."""

    id: str
    on: bool = True


class Marked(Params):
    """Pinned or starred messages, of one chat or of all."""

    mark: Literal["pinned", "starred"]
    chat: str | None = None


class ChatTimer(Params):
    """Texts of the chat vanish after so many seconds from now on; 0: they stay."""

    chat: str
    seconds: int


class ChatMute(Params):
    """Do not notify of new messages for so many seconds; 0: notify again."""

    chat: str
    seconds: int


class ChatArchive(Params):
    """Keep a chat out of sight, or in it again."""

    chat: str
    on: bool = True


class ChatTyping(Params):
    """I am typing to a contact, or have stopped. Faces repeat it every few seconds while it is so."""

    chat: str
    on: bool = True


class TypingTold(Result):
    """Whether the contact was told: not if he is away, or it is switched off, or was told just now."""

    told: bool


class ChatQuery(Params):
    """Which chats to list, and how many at most; None: all."""

    limit: int | None = None
    name: str = ""  # only those whose names contain it
    unread: bool = False  # only those with unread messages


class ChatDraft(Params):
    """What was typed and not sent."""

    chat: str
    text: str


class Reaction(Result):
    """Somebody's emoji beside a message."""

    name: str
    emoji: str
    me: bool = False


class History(Params):
    """The newest `limit` messages of a chat, oldest first; or those before, after or around a message id."""

    chat: str
    limit: int = 50
    before: str | None = None
    after: str | None = None
    around: str | None = None


class Search(Params):
    """Messages that contain all words of `text`, newest first."""

    text: str
    limit: int = 50


class UnreadQuery(Chat):
    """Messages of others in a chat that have not been shown to me."""

    limit: int = 500


class ReadChat(Chat):
    """What has arrived in a chat was shown to me: all of it, or until and with the message `upto`."""

    upto: str | None = None


class MessageId(Params):
    """A message by its id or the beginning of it."""

    id: str


class Delivery(Result):
    """How far a message of mine has come to one recipient."""

    name: str
    state: str  # queued | handed | delivered | read | failed
    at_ms: int
    held_by: list[str] = msgspec.field(default_factory=list)  # who keeps it for them while they are away
    holders: int = 0  # how many are to keep it
    reason: str = ""  # why it failed, or why fewer keep it
    retry_ms: int = 0  # when it is tried again; 0: at the next chance


class Message(Result):
    """One message as shown."""

    id: str
    chat: str  # '@petname' or '#group'
    sender: str  # petname, or my own name
    mine: bool
    kind: str  # text | iou | group | sealed (its key has not come) | deleted | unknown
    text: str
    sent_ms: int
    received_ms: int
    state: str  # of mine: stored | queued | handed | delivered | read, perhaps n/m; else received
    deliveries: list[Delivery] = msgspec.field(default_factory=list)
    reply: str | None = None  # id of the message that it answers
    reactions: list[Reaction] = msgspec.field(default_factory=list)
    edited_ms: int = 0
    expires_ms: int = 0  # when it vanishes; 0: never, or not known yet
    once: bool = False  # it vanishes a minute after I have read it
    pinned: bool = False
    starred: bool = False
    person: str = ""  # id of the sender
    parents: list[str] = msgspec.field(default_factory=list)  # what its author had seen last (`message.show`)
    view: str = ""  # in a group: the members as its author knew them, named by a hash (`message.show`)
    members: int = 0  # how many of them there were
    verdict: str = ""  # in a group: kept | flagged (written while its author was being removed) | refused
    forked: bool = False  # its author signed another entry with the same number (`message.show`)
    iou: str | None = None  # id of the IOU or request that a line of kind iou makes
    mentions: list[str] = msgspec.field(default_factory=list)  # whom it names
    mentions_me: bool = False
    files: list[File] = msgspec.field(default_factory=list)
    wordless: bool = False  # the text only names the files


class Messages(Result):
    """Messages, in the order the method promises."""

    messages: list[Message]
    more: bool = False  # there are further ones beyond the last, or in a history before the first
    newer: bool = False  # in a history: there are further ones behind the last


class Unread(Result):
    """Unread messages in the order of the chat; `upto` is the one that arrived last, for `chat.read`."""

    messages: list[Message]
    upto: str | None
    more: bool = False


class ChatSummary(Result):
    """A line in the list of chats."""

    chat: str
    conversation: str
    unread: int
    last: Message | None
    timer_s: int = 0
    muted: bool = False
    archived: bool = False
    draft: str = ""
    about: str = ""  # id of the contact or the group


class Chats(Result):
    """Chats, the most recently used first; `more`: there are others that were asked for."""

    chats: list[ChatSummary]
    more: bool = False


METHODS: Final[dict[str, Method]] = {
    "message.send": Method(Send, Message, "store", "Write a text"),
    "message.retry": Method(MessageId, Message, "store", "Try at once to bring a message to all"),
    "message.schedule": Method(Schedule, Scheduled, "store", "Write a text later"),
    "message.scheduled": Method(Nothing, ScheduledList, "store", "What waits for its time"),
    "message.unschedule": Method(ScheduledId, Done, "store", "Do not write it"),
    "message.show": Method(MessageId, Message, "store", "One message with its deliveries"),
    "message.history": Method(History, Messages, "store", "Messages of one chat"),
    "message.search": Method(Search, Messages, "store", "Find messages"),
    "message.unread": Method(UnreadQuery, Unread, "store", "What has not been shown to me"),
    "message.edit": Method(EditMessage, Message, "store", "Other words for a text of mine"),
    "message.delete": Method(MessageId, Message, "store", "Delete a text of mine for everybody"),
    "message.react": Method(React, Message, "store", "Put an emoji beside a message"),
    "message.pin": Method(Mark, Message, "store", "Pin a message for everybody in the chat"),
    "message.star": Method(Mark, Message, "store", "Star a message for myself"),
    "message.marked": Method(Marked, Messages, "store", "Pinned or starred messages"),
    "chat.timer": Method(ChatTimer, Done, "store", "Let messages vanish"),
    "chat.mute": Method(ChatMute, Done, "store", "Do not notify"),
    "chat.archive": Method(ChatArchive, Done, "store", "Keep a chat out of sight"),
    "chat.draft": Method(ChatDraft, Done, "store", "Keep what was typed"),
    "chat.typing": Method(ChatTyping, TypingTold, "network", "Tell a contact that I am typing"),
    "chat.show": Method(Chat, ChatSummary, "store", "One chat, with its draft"),
    "chat.list": Method(ChatQuery, Chats, "store", "Chats, the most recently used first"),
    "chat.read": Method(ReadChat, Done, "store", "Mark a chat as read"),
}
