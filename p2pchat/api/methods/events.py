"""What happened, with a durable cursor."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api import views
from p2pchat.api.methods.base import Change, Query, page_limit
from p2pchat.node.features.app import App
from p2pchat.store import events
from p2pchat.store.transaction import Reader


def events_list(app: App, tx: Reader, params: s.Since) -> s.Events:
    """See the table."""
    found = events.after(tx, params.since, limit=page_limit(params.limit))
    return s.Events(events=[views.event(one) for one in found], last=found[-1].seq if found else params.since)


QUERIES: Final[dict[str, Query]] = {
    "events.list": events_list,
}
CHANGES: Final[dict[str, Change]] = {}
