"""Polls: a question with options, votes that all see, and an end that the asker sets."""

from __future__ import annotations

from p2pchat.core import content
from p2pchat.core.ids import EntryId
from p2pchat.errors import NotAllowedError, NotFoundError, UsageError
from p2pchat.node.features.app import App
from p2pchat.node.features.chat import conversations
from p2pchat.store import messages, polls
from p2pchat.store.transaction import Reader, Transaction


def ask(
    app: App, tx: Transaction, chat: conversations.Chat, question: str, options: list[str], *, multiple: bool
) -> EntryId:
    """Ask everybody in a chat. Raises UsageError, or NotAllowedError if I may not write there."""
    return conversations.say(app, tx, chat, content.checked_poll(question, options, multiple=multiple))


def find(tx: Reader, message: messages.Message) -> content.Poll:
    """The poll that is shown as `message`. Raises NotFoundError if that is none."""
    poll = polls.get(tx, message.id)
    if poll is None:
        raise NotFoundError(f"{message.id.text[:8]} is not a poll")
    return poll


def vote(app: App, tx: Transaction, message: messages.Message, numbers: list[int]) -> None:
    """Choose options by their numbers from 1, in place of an earlier choice; none takes it back.

    Raises:
        NotFoundError: there is no such poll.
        UsageError: there is no such option, or only one may be chosen.
        NotAllowedError: the poll is closed, or I may not write there.
    """
    poll = find(tx, message)
    if any(not 1 <= number <= len(poll.options) for number in numbers):
        raise UsageError(f"the options are numbered from 1 to {len(poll.options)}")
    if len(set(numbers)) > 1 and not poll.multiple:
        raise UsageError("only one option can be chosen in this poll")
    _check_open(tx, message, poll)
    choices = tuple(sorted({number - 1 for number in numbers}))
    _say(app, tx, message, content.Vote(message.id, choices))


def close(app: App, tx: Transaction, message: messages.Message) -> None:
    """Let no more votes count. Raises NotFoundError, or NotAllowedError if I did not ask or it is closed."""
    poll = find(tx, message)
    if not message.mine:
        raise NotAllowedError("only who asked can close a poll")
    _check_open(tx, message, poll)
    _say(app, tx, message, content.ClosePoll(message.id))


def _check_open(tx: Reader, message: messages.Message, poll: content.Poll) -> None:
    if polls.outcome(tx, message.id, poll, message.person).is_closed:
        raise NotAllowedError("the poll is closed")


def _say(app: App, tx: Transaction, message: messages.Message, said: content.Sayable) -> None:
    conversations.say(app, tx, conversations.chat_of(tx, message.conversation), said)
