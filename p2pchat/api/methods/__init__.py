"""The methods of the table that work on the store: each translates, none decides.

The running node runs them in its store's thread, a command without a node in its own process; the
two differ in nothing. Queries read, changes write; both are one transaction.
"""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods import (
    backup,
    bundles,
    circles,
    contacts,
    events,
    files,
    groups,
    hooks,
    mailboxes,
    messages,
    money,
    node,
    planning,
    polls,
    settings,
    web,
)
from p2pchat.api.methods.base import Change, Query
from p2pchat.node.profile import Profile

_PARTS: Final = (
    node,
    contacts,
    mailboxes,
    messages,
    files,
    groups,
    polls,
    money,
    circles,
    planning,
    events,
    settings,
    web,
    hooks,
    bundles,
)
WHOLE: Final[dict[str, backup.Whole]] = backup.WHOLE | files.WHOLE
"""Methods of the whole profile, which take as long as the store is large: not for the store's thread."""
QUERIES: Final[dict[str, Query]] = {
    name: query for part in (*_PARTS, backup) for name, query in part.QUERIES.items()
}
CHANGES: Final[dict[str, Change]] = {name: change for part in _PARTS for name, change in part.CHANGES.items()}


def call(profile: Profile, method: str, params: s.Params) -> s.Result:
    """Run a store method in this process. Raises whatever the method raises."""
    if method in WHOLE:
        return WHOLE[method](profile, params)
    if method in QUERIES:
        query = QUERIES[method]
        return profile.query(lambda tx: query(profile.app, tx, params))
    change = CHANGES[method]
    return profile.change(lambda tx: change(profile.app, tx, params))
