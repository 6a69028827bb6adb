"""Messages and chats."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.methods.base import MAX_PAGE, Change, Query, page_limit
from p2pchat.core import content
from p2pchat.core.ids import ConversationId, EntryId
from p2pchat.errors import NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import conversations, files, scheduling
from p2pchat.node.features.people.names import chat_name, find_chat, find_message, find_person
from p2pchat.store import logs, messages, scheduled
from p2pchat.store.transaction import Reader, Transaction


def message_send(app: App, tx: Transaction, params: s.Send) -> s.Message:
    """See the table."""
    reply = find_message(tx, params.reply) if params.reply else None
    mentioned = [find_person(tx, one) for one in params.mention]
    chat = find_chat(tx, params.chat)
    attached = files.to_send(app, tx, params.files) if params.files else ()
    id = conversations.write(
        app,
        tx,
        chat,
        params.text,
        reply,
        mentioned,
        params.expire_s,
        once=params.once,
        urgent=params.urgent,
        attached=attached,
    )
    return views.message_sent(app, tx, id, has_files=bool(attached))


def message_retry(app: App, tx: Transaction, params: s.MessageId) -> s.Message:
    """See the table."""
    message = find_message(tx, params.id)
    conversations.retry(app, tx, message)
    return _message(app, tx, message.id)


def message_schedule(app: App, tx: Transaction, params: s.Schedule) -> s.Scheduled:
    """See the table."""
    if params.once or params.urgent:
        raise UsageError("what is sent later can be neither urgent nor to be viewed once")
    if params.files:
        raise UsageError("files cannot be sent later yet: send them now, or the text without them")
    reply = find_message(tx, params.reply) if params.reply else None
    mentioned = [find_person(tx, one) for one in params.mention]
    chat = find_chat(tx, params.chat)
    planned = scheduling.plan(app, tx, chat, params.text, params.at_ms, reply, mentioned, params.expire_s)
    return views.scheduled(app, tx, planned)


def message_scheduled(app: App, tx: Reader, params: s.Nothing) -> s.ScheduledList:
    """See the table."""
    return s.ScheduledList(scheduled=[views.scheduled(app, tx, one) for one in scheduled.every(tx)])


def message_unschedule(app: App, tx: Transaction, params: s.ScheduledId) -> s.Done:
    """See the table."""
    scheduling.cancel(app, tx, params.id)
    return s.Done()


def message_edit(app: App, tx: Transaction, params: s.EditMessage) -> s.Message:
    """See the table."""
    message = find_message(tx, params.id)
    text = content.checked_text(params.text)
    mentions = conversations.mentions_in(app, tx, conversations.chat_of(tx, message.conversation), text)
    return _change(app, tx, message, content.Edit(message.id, text, mentions))


def message_delete(app: App, tx: Transaction, params: s.MessageId) -> s.Message:
    """See the table."""
    message = find_message(tx, params.id)
    edits = tuple(messages.edits(tx, message.id)[-content.MAX_EDITS :])
    return _change(app, tx, message, content.Delete(message.id, edits))


def message_react(app: App, tx: Transaction, params: s.React) -> s.Message:
    """See the table."""
    message = find_message(tx, params.id)
    return _change(app, tx, message, content.Reaction(message.id, content.checked_emoji(params.emoji)))


def message_pin(app: App, tx: Transaction, params: s.Mark) -> s.Message:
    """See the table."""
    message = find_message(tx, params.id)
    return _change(app, tx, message, content.Pin(message.id, params.on))


def message_star(app: App, tx: Transaction, params: s.Mark) -> s.Message:
    """See the table."""
    message = find_message(tx, params.id)
    messages.star(tx, message.id, params.on)
    return _message(app, tx, message.id)


def message_marked(app: App, tx: Reader, params: s.Marked) -> s.Messages:
    """See the table."""
    conversation = _conversation(app, tx, params.chat) if params.chat else None
    found = messages.marked(tx, conversation, pinned=params.mark == "pinned", limit=MAX_PAGE)
    return s.Messages(messages=[views.message(app, tx, one) for one in found])


def _change(app: App, tx: Transaction, message: messages.Message, said: content.Sayable) -> s.Message:
    conversations.change(app, tx, message, said)
    return _message(app, tx, message.id)


def _message(app: App, tx: Reader, id: EntryId) -> s.Message:
    found = messages.get(tx, id)
    assert found is not None
    return views.message(app, tx, found)


def message_show(app: App, tx: Reader, params: s.MessageId) -> s.Message:
    """See the table."""
    return views.message_in_full(app, tx, find_message(tx, params.id))


def message_history(app: App, tx: Reader, params: s.History) -> s.Messages:
    """See the table."""
    limit = page_limit(params.limit)
    conversation = _conversation(app, tx, params.chat)
    places = [place for place in (params.before, params.after, params.around) if place]
    if len(places) > 1:
        raise UsageError("give one of before, after and around")
    place = find_message(tx, places[0]) if places else None
    if place and place.conversation != conversation:
        raise UsageError(f"the message is not in {params.chat}")
    older: list[messages.Message] = []
    newer: list[messages.Message] = []
    space = limit
    if place and not params.before:
        space = 0 if params.after else limit // 2
        newer = messages.page_after(tx, place, limit=limit - space + 1)
        older = [] if params.after else [place]
    if space > len(older):
        older = messages.page(tx, conversation, before=place, limit=space - len(older) + 1) + older
    shown = older[-space:] if space else []
    shown += newer[: limit - space]
    return s.Messages(
        messages=[views.message(app, tx, one) for one in shown],
        more=len(older) > space or bool(params.after),
        newer=len(newer) > limit - space or bool(params.before),
    )


def message_search(app: App, tx: Reader, params: s.Search) -> s.Messages:
    """See the table."""
    words = params.text.split()
    if not words:
        raise UsageError("there is no word to search for")
    found = messages.search(tx, words[:16], limit=page_limit(params.limit))
    return s.Messages(messages=[views.message(app, tx, one) for one in found])


def chat_list(app: App, tx: Reader, params: s.ChatQuery) -> s.Chats:
    """See the table."""
    if params.limit is not None:
        page_limit(params.limit)
    if not params.name and not params.unread:
        found = logs.conversations(tx, limit=params.limit and params.limit + 1)
        shown = [(one, messages.unread(tx, one.id)) for one in found[: params.limit]]
    else:
        counts = messages.unread_counts(tx)
        found = [one for one in logs.conversations(tx) if _is_wanted(app, tx, one, params, counts)]
        shown = [(one, counts.get(one.id, 0)) for one in found[: params.limit]]
    return s.Chats(
        chats=[_summary(app, tx, one, unread) for one, unread in shown], more=len(found) > len(shown)
    )


def _is_wanted(
    app: App, tx: Reader, one: logs.Conversation, params: s.ChatQuery, unread: dict[ConversationId, int]
) -> bool:
    if params.unread and one.id not in unread:
        return False
    return params.name.casefold() in chat_name(app, tx, one.id).casefold()


def chat_show(app: App, tx: Reader, params: s.Chat) -> s.ChatSummary:
    """See the table."""
    known = logs.conversation(tx, _conversation(app, tx, params.chat))
    if known is None:
        raise NotFoundError(f"there is no chat with {params.chat} yet")
    return _summary(app, tx, known, messages.unread(tx, known.id))


def _summary(app: App, tx: Reader, one: logs.Conversation, unread: int) -> s.ChatSummary:
    newest = messages.last(tx, one.id)
    last = views.message(app, tx, newest) if newest else None
    if last is not None and last.once:  # a glance at the list is no viewing
        last.text = "a message to be viewed once"
    return s.ChatSummary(
        chat=chat_name(app, tx, one.id),
        conversation=one.id.text,
        unread=unread,
        timer_s=one.timer_s,
        muted=one.muted_until_ms > app.now_ms(),
        archived=one.archived,
        draft=one.draft,
        about=(one.person or one.id).text,
        last=last,
    )


def message_unread(app: App, tx: Reader, params: s.UnreadQuery) -> s.Unread:
    """See the table."""
    limit = page_limit(params.limit)
    found = messages.arrived_unread(tx, _conversation(app, tx, params.chat), limit=limit + 1)
    page = found[:limit]
    return s.Unread(
        messages=[views.message(app, tx, one) for one in sorted(page, key=lambda one: (one.lamport, one.id))],
        upto=page[-1].id.text if page else None,
        more=len(found) > limit,
    )


def chat_read(app: App, tx: Transaction, params: s.ReadChat) -> s.Done:
    """See the table."""
    chat = find_chat(tx, params.chat)
    upto = find_message(tx, params.upto) if params.upto else None
    if upto and upto.conversation != conversations.id_of(app, chat):
        raise UsageError("the message up to which the chat was read is in another chat")
    conversations.read(app, tx, chat, upto.id if upto else None)
    return s.Done()


def chat_timer(app: App, tx: Transaction, params: s.ChatTimer) -> s.Done:
    """See the table."""
    if not 0 <= params.seconds <= content.MAX_TIMER_S:
        raise UsageError(f"a timer has 0 (off) to {content.MAX_TIMER_S} seconds")
    conversations.say(app, tx, find_chat(tx, params.chat), content.Timer(params.seconds))
    return s.Done()


def chat_mute(app: App, tx: Transaction, params: s.ChatMute) -> s.Done:
    """See the table."""
    until_ms = app.now_ms() + 1000 * params.seconds if params.seconds else 0
    logs.set_muted(tx, _conversation(app, tx, params.chat), until_ms)
    return s.Done()


def chat_archive(app: App, tx: Transaction, params: s.ChatArchive) -> s.Done:
    """See the table."""
    logs.set_archived(tx, _conversation(app, tx, params.chat), params.on)
    return s.Done()


def chat_draft(app: App, tx: Transaction, params: s.ChatDraft) -> s.Done:
    """See the table."""
    conversations.keep_draft(app, tx, find_chat(tx, params.chat), params.text)
    return s.Done()


def _conversation(app: App, tx: Reader, chat: str) -> ConversationId:
    return conversations.id_of(app, find_chat(tx, chat))


QUERIES: Final[dict[str, Query]] = {
    "message.scheduled": message_scheduled,
    "message.show": message_show,
    "message.history": message_history,
    "message.search": message_search,
    "message.unread": message_unread,
    "message.marked": message_marked,
    "chat.list": chat_list,
    "chat.show": chat_show,
}
CHANGES: Final[dict[str, Change]] = {
    "message.send": message_send,
    "message.retry": message_retry,
    "message.schedule": message_schedule,
    "message.unschedule": message_unschedule,
    "message.edit": message_edit,
    "message.delete": message_delete,
    "message.react": message_react,
    "message.pin": message_pin,
    "message.star": message_star,
    "chat.read": chat_read,
    "chat.timer": chat_timer,
    "chat.mute": chat_mute,
    "chat.archive": chat_archive,
    "chat.draft": chat_draft,
}
