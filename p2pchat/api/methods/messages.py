"""Messages and chats."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.methods.base import Change, Query, page_limit
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import ConversationId
from p2pchat.errors import UsageError
from p2pchat.node.features import chats, group_messages
from p2pchat.node.features.app import App
from p2pchat.node.features.names import chat_name, find_chat, find_message
from p2pchat.store import logs, messages, people
from p2pchat.store.transaction import Reader, Transaction


def message_send(app: App, tx: Transaction, params: s.Send) -> s.Message:
    """See the table."""
    chat = find_chat(tx, params.chat)
    if isinstance(chat, people.Person):
        id = chats.send_text(app, tx, chat, params.text)
    else:
        id = group_messages.send_text(app, tx, chat, params.text)
    sent = messages.get(tx, id)
    assert sent is not None
    return views.message(app, tx, sent)


def message_show(app: App, tx: Reader, params: s.MessageId) -> s.Message:
    """See the table."""
    return views.message(app, tx, find_message(tx, params.id))


def message_history(app: App, tx: Reader, params: s.History) -> s.Messages:
    """See the table."""
    limit = page_limit(params.limit)
    before = find_message(tx, params.before) if params.before else None
    found = messages.page(tx, _conversation(app, tx, params.chat), before=before, limit=limit + 1)
    more = len(found) > limit
    return s.Messages(messages=[views.message(app, tx, one) for one in found[-limit:]], more=more)


def message_search(app: App, tx: Reader, params: s.Search) -> s.Messages:
    """See the table."""
    words = params.text.split()
    if not words:
        raise UsageError("there is no word to search for")
    found = messages.search(tx, words[:16], limit=page_limit(params.limit))
    return s.Messages(messages=[views.message(app, tx, one) for one in found])


def chat_list(app: App, tx: Reader, params: s.Nothing) -> s.Chats:
    """See the table."""
    summaries = []
    for one in logs.conversations(tx):
        newest = messages.last(tx, one.id)
        summaries.append(
            s.ChatSummary(
                chat=chat_name(app, tx, one.id),
                conversation=one.id.text,
                unread=messages.unread(tx, one.id, one.read_lamport),
                last=views.message(app, tx, newest) if newest else None,
            )
        )
    return s.Chats(chats=summaries)


def chat_read(app: App, tx: Transaction, params: s.Chat) -> s.Done:
    """See the table."""
    chats.mark_read(app, tx, _conversation(app, tx, params.chat))
    return s.Done()


def _conversation(app: App, tx: Reader, chat: str) -> ConversationId:
    found = find_chat(tx, chat)
    return direct_conversation(app.person, found.id) if isinstance(found, people.Person) else found.group


QUERIES: Final[dict[str, Query]] = {
    "message.show": message_show,
    "message.history": message_history,
    "message.search": message_search,
    "chat.list": chat_list,
}
CHANGES: Final[dict[str, Change]] = {
    "message.send": message_send,
    "chat.read": chat_read,
}
