"""Polls."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.node.features.app import App
from p2pchat.node.features.group import polls
from p2pchat.node.features.people.names import chat_name, find_chat, find_message, name_of
from p2pchat.store import messages
from p2pchat.store import polls as rows
from p2pchat.store.transaction import Reader, Transaction


def poll_create(app: App, tx: Transaction, params: s.AskPoll) -> s.Poll:
    """See the table."""
    chat = find_chat(tx, params.chat)
    id = polls.ask(app, tx, chat, params.question, params.options, multiple=params.multiple)
    message = messages.get(tx, id)
    assert message is not None
    return _poll(app, tx, message)


def poll_vote(app: App, tx: Transaction, params: s.CastVote) -> s.Poll:
    """See the table."""
    message = find_message(tx, params.id)
    polls.vote(app, tx, message, params.choices)
    return _poll(app, tx, message)


def poll_close(app: App, tx: Transaction, params: s.MessageId) -> s.Poll:
    """See the table."""
    message = find_message(tx, params.id)
    polls.close(app, tx, message)
    return _poll(app, tx, message)


def poll_show(app: App, tx: Reader, params: s.MessageId) -> s.Poll:
    """See the table."""
    return _poll(app, tx, find_message(tx, params.id))


def _poll(app: App, tx: Reader, message: messages.Message) -> s.Poll:
    poll = polls.find(tx, message)
    outcome = rows.outcome(tx, message.id, poll, message.person)
    return s.Poll(
        id=message.id.text,
        chat=chat_name(app, tx, message.conversation),
        asker=name_of(app, tx, message.person),
        question=poll.question,
        options=[
            s.PollOption(
                text=option,
                voters=sorted(
                    name_of(app, tx, who) for who, chosen in outcome.votes.items() if number in chosen
                ),
            )
            for number, option in enumerate(poll.options)
        ],
        multiple=poll.multiple,
        closed=outcome.is_closed,
        mine=[number + 1 for number in outcome.votes.get(app.person, ())],
    )


QUERIES: Final[dict[str, Query]] = {"poll.show": poll_show}
CHANGES: Final[dict[str, Change]] = {
    "poll.create": poll_create,
    "poll.vote": poll_vote,
    "poll.close": poll_close,
}
