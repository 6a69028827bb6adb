"""Confirming removals, so that who was removed cannot pretend for ever that he never heard of it.

A removed admin can write operations as if he did not know of his removal (back-dating), and draw others
into a quarrel. Once as many admins as the group's rules say, or the founder, have confirmed the removal, what
they had not seen by then comes too late. Each admin's node does so a day after it learned of a removal: by
then honest operations of that time have come. docs/protocol/groups.md, 5
"""

from __future__ import annotations

from typing import Final

from p2pchat.core.group.encoding import MAX_SEEN
from p2pchat.core.group.operations import Checkpoint, Seen
from p2pchat.core.group.view import GroupView
from p2pchat.core.ids import GroupId
from p2pchat.errors import NotAllowedError
from p2pchat.node.features.app import App
from p2pchat.node.features.group import group_acts, group_views
from p2pchat.store import groups, logs, messages
from p2pchat.store.reconcile import StoredLog
from p2pchat.store.transaction import Transaction

AFTER_MS: Final = 86_400_000
NOBODY: Final = 255  # the quorum of groups whose nodes confirm nothing by themselves


def confirm_due(app: App, tx: Transaction) -> None:
    """Confirm, in all groups, removals that I learned of a day ago; called now and then."""
    for membership in groups.all_in(tx, "joined"):
        now = group_views.view(app, tx, membership.group)
        if now is None or now.policy.quorum == NOBODY:
            continue
        due = [
            id
            for id, persons in now.unconfirmed.items()
            if app.person in persons and logs.received_ms(tx, id) <= app.now_ms() - AFTER_MS
        ]
        if due:
            confirm(app, tx, membership)


def confirm(app: App, tx: Transaction, membership: groups.Membership) -> None:
    """Confirm all removals so far. Raises NotAllowedError if none waits for me."""
    group_views.check_is_member(app, tx, membership)
    now = app.groups.view(tx, membership.group)
    if not any(app.person in persons for persons in now.unconfirmed.values()):
        raise NotAllowedError("there is no removal that waits for you to confirm it")
    heights = StoredLog(tx, membership.group).heights()
    seen = [(device, heights[device]) for device in sorted(now.ended) if device in heights]
    group_acts.do(app, tx, membership.group, Checkpoint(app.person, Seen(tuple(seen[-MAX_SEEN:]))))
    hide_refused(tx, membership.group, app.groups.view(tx, membership.group))


def hide_refused(tx: Transaction, group: GroupId, now: GroupView) -> None:
    """Take lines out of the chat that by now everybody knows to have come too late."""
    for device, end in now.ended.items():
        if end.final is not None:
            for id in logs.behind(tx, group, device, max(end.seen, end.final)):
                messages.forget(tx, id)
