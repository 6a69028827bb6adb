"""Polls."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema.base import Method, Params, Result
from p2pchat.api.schema.messages import MessageId


class AskPoll(Params):
    """Ask everybody in a chat."""

    chat: str
    question: str
    options: list[str]
    multiple: bool = False  # whether several options may be chosen


class CastVote(Params):
    """Choose options of a poll by their numbers from 1, in place of an earlier choice; none takes it back."""

    id: str
    choices: list[int]


class PollOption(Result):
    """One option, and who chose it."""

    text: str
    voters: list[str]


class Poll(Result):
    """A poll as it stands."""

    id: str  # of its message
    chat: str
    asker: str
    question: str
    options: list[PollOption]
    multiple: bool
    closed: bool
    mine: list[int]  # what I chose


METHODS: Final[dict[str, Method]] = {
    "poll.create": Method(AskPoll, Poll, "store", "Ask everybody in a chat"),
    "poll.vote": Method(CastVote, Poll, "store", "Choose in a poll"),
    "poll.close": Method(MessageId, Poll, "store", "Let no more votes count"),
    "poll.show": Method(MessageId, Poll, "store", "A poll and who chose what"),
}
