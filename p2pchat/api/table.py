"""The method table: every capability of a node, by name. Each feature's part stands beside its schema."""

from __future__ import annotations

from typing import Final

from p2pchat.api.schema import (
    backup,
    circles,
    contacts,
    events,
    groups,
    mailboxes,
    messages,
    money,
    node,
    planning,
    polls,
    settings,
    web,
)
from p2pchat.api.schema.base import Method

__all__ = ["METHODS", "SUBSCRIBE", "Method"]

METHODS: Final[dict[str, Method]] = {
    **node.METHODS,
    **backup.METHODS,
    **contacts.METHODS,
    **mailboxes.METHODS,
    **messages.METHODS,
    **groups.METHODS,
    **polls.METHODS,
    **money.METHODS,
    **circles.METHODS,
    **planning.METHODS,
    **events.METHODS,
    **settings.METHODS,
    **web.METHODS,
}

SUBSCRIBE: Final = "events.subscribe"
"""Answered by the server itself: Since -> Done, then `event` notifications without end."""
