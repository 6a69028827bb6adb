"""What happened, with a durable cursor."""

from __future__ import annotations

from typing import Any, Final

from p2pchat.api.schema.base import Method, Params, Result


class Since(Params):
    """Events after a cursor, oldest first; cursor 0 is the beginning."""

    since: int = 0
    limit: int = 500


class Event(Result):
    """Something that happened, in the order it was committed. `seq` is the cursor.

    `chat.typing` (with `name` and `typing`; it counts for ten seconds) and `chat.draft` pass by and are not
    kept: they carry the cursor of the event before them.
    """

    seq: int
    at_ms: int
    # message.received, message.state, request.received, contact.changed, contact.new-device, group.changed,
    # iou.changed and others; a listener passes over those it does not know
    type: str
    data: dict[str, Any]


class Events(Result):
    """A page of events; `last` is the cursor to continue from."""

    events: list[Event]
    last: int


METHODS: Final[dict[str, Method]] = {
    "events.list": Method(Since, Events, "store", "What happened, after a cursor"),
}
