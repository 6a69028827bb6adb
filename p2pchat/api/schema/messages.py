"""Messages and chats."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class Chat(Params):
    """A contact or a group."""

    chat: str


class Send(Params):
    """Write a text to a contact or a group."""

    chat: str
    text: str


class History(Params):
    """The newest `limit` messages of a chat, oldest first; `before` is a message id to page back from."""

    chat: str
    limit: int = 50
    before: str | None = None


class Search(Params):
    """Messages that contain all words of `text`, newest first."""

    text: str
    limit: int = 50


class MessageId(Params):
    """A message by its id or the beginning of it."""

    id: str


class Delivery(Result):
    """How far a message of mine has come to one recipient."""

    name: str
    state: str  # queued | handed | delivered | read | failed
    at_ms: int


class Message(Result):
    """One message as shown."""

    id: str
    chat: str  # '@petname' or '#group'
    sender: str  # petname, or my own name
    mine: bool
    kind: str  # text | iou | group
    text: str
    sent_ms: int
    received_ms: int
    state: str  # of mine: stored | queued | handed | delivered | read, perhaps n/m; else received
    deliveries: list[Delivery] = msgspec.field(default_factory=list)


class Messages(Result):
    """Messages, in the order the method promises."""

    messages: list[Message]
    more: bool = False


class ChatSummary(Result):
    """A line in the list of chats."""

    chat: str
    conversation: str
    unread: int
    last: Message | None


class Chats(Result):
    """All chats, the most recently used first."""

    chats: list[ChatSummary]


METHODS: Final[dict[str, Method]] = {
    "message.send": Method(Send, Message, "store", "Write a text"),
    "message.show": Method(MessageId, Message, "store", "One message with its deliveries"),
    "message.history": Method(History, Messages, "store", "Messages of one chat"),
    "message.search": Method(Search, Messages, "store", "Find messages"),
    "chat.list": Method(Nothing, Chats, "store", "All chats"),
    "chat.read": Method(Chat, Done, "store", "Mark a chat as read"),
}
