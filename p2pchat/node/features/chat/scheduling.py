"""Saying something later: kept in the store until its time, then said as if it were typed at that moment."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from p2pchat.core import content
from p2pchat.errors import NotFoundError, QuotaError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import conversations
from p2pchat.node.features.people.names import chat_name
from p2pchat.store import events, logs, messages, people, scheduled
from p2pchat.store.scheduled import Scheduled
from p2pchat.store.transaction import Reader, Transaction

ID_SIZE: Final = 10
MAX_SCHEDULED: Final = 1000
MAX_AHEAD_MS: Final = 5 * 366 * 86_400_000
DUE_BATCH: Final = 50  # said in one transaction
_LEAST_PREFIX: Final = 4


def id_text(one: Scheduled) -> str:
    """The id as it is shown and typed."""
    return base64.b32encode(one.id).decode().lower()


def plan(
    app: App,
    tx: Transaction,
    chat: conversations.Chat,
    text: str,
    at_ms: int,
    reply: messages.Message | None,
    mentioned: Sequence[people.Person],
    expires_s: int | None,
) -> Scheduled:
    """Keep a text that is to be said at a time.

    Raises:
        UsageError: the text could not be sent, or the time is over or years ahead.
        NotAllowedError: I may not write there.
        QuotaError: too many wait already.
    """
    conversations.check_writing(app, chat, reply, expires_s)
    conversations.mentions_in(app, tx, chat, text, mentioned)
    if not app.now_ms() < at_ms < app.now_ms() + MAX_AHEAD_MS:
        raise UsageError("the time to send it at has to lie ahead, by at most five years")
    if len(scheduled.every(tx)) >= MAX_SCHEDULED:
        raise QuotaError(f"at most {MAX_SCHEDULED} messages can wait for their time")
    conversations.check_may_write(app, tx, chat)
    if isinstance(chat, people.Person):
        logs.open_direct(tx, conversations.id_of(app, chat), chat.id)
    one = Scheduled(
        app.entropy(ID_SIZE),
        conversations.id_of(app, chat),
        content.checked_text(text),
        reply.id if reply else None,
        tuple(one.id for one in mentioned),
        expires_s,
        at_ms,
    )
    scheduled.put(tx, one)
    _tell(app, tx, one, "waiting")
    return one


def cancel(app: App, tx: Transaction, id: str) -> None:
    """Do not say it. Raises NotFoundError."""
    one = _find(tx, id)
    scheduled.remove(tx, one.id)
    _tell(app, tx, one, "cancelled")


def say_due(app: App, tx: Transaction) -> None:
    """Say what is due. What cannot be said stays, with the reason, and is not tried again unasked.

    A text is said in the transaction that forgets that it waited: it is said once, whatever happens.
    """
    for one in scheduled.due(tx, app.now_ms(), limit=DUE_BATCH):
        try:
            with tx.savepoint():
                chat = conversations.chat_of(tx, one.conversation)
                reply = messages.get(tx, one.reply) if one.reply else None
                mentioned = [person for id in one.mentioned if (person := people.person(tx, id))]
                conversations.write(app, tx, chat, one.text, reply, mentioned, one.expires_s)
                scheduled.remove(tx, one.id)
        except UsageError as error:
            scheduled.refuse(tx, one.id, str(error))
            _tell(app, tx, one, "refused")
        else:
            _tell(app, tx, one, "sent")


def _find(tx: Reader, text: str) -> Scheduled:
    prefix = text.strip().lower()
    found = [one for one in scheduled.every(tx) if id_text(one).startswith(prefix)]
    if len(prefix) < _LEAST_PREFIX or len(found) != 1:
        raise NotFoundError(f"'{text}' is no message that waits for its time: see `p2pchat msg scheduled`")
    return found[0]


def _tell(app: App, tx: Transaction, one: Scheduled, state: str) -> None:
    data = {"scheduled": id_text(one), "chat": chat_name(app, tx, one.conversation), "state": state}
    events.record(tx, "message.scheduled", data, app.now_ms())
