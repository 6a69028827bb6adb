"""What has to be done now and then: rotating prekeys, forgetting what is too old."""

from __future__ import annotations

from typing import Final

from p2pchat.node.features.app import App
from p2pchat.node.features.chat import chats, direct, scheduling
from p2pchat.node.features.chat.envelopes import SEEN_FOR_MS
from p2pchat.node.features.group import group_checkpoints
from p2pchat.node.features.ledger import passages, recurring
from p2pchat.store import events, logs, messages, outbox, people, scheduled
from p2pchat.store.transaction import Reader, Transaction

AHEAD_FOR_MS: Final = 600_000  # how long a line is shown whose predecessors do not come
VANISH_BATCH: Final = 200
EVENTS_FOR_MS: Final = 90 * 86_400_000  # a listener that was away for longer reads the chats anew


def is_time(app: App, tx: Reader) -> bool:
    """Whether `keep_time` has anything to do."""
    now_ms = app.now_ms()
    return bool(messages.expired(tx, now_ms, limit=1) or scheduled.due(tx, now_ms, limit=1))


def keep_time(app: App, tx: Transaction) -> None:
    """Let messages vanish whose time has come, and say what was to be said at this time."""
    chats.vanish(app, tx, limit=VANISH_BATCH)
    scheduling.say_due(app, tx)


def circulate(app: App, tx: Transaction) -> None:
    """Ask for the end of circulations that are past their deadline."""
    for lock in passages.overdue(app, tx):
        direct.move_circulation(app, tx, lock)


def upkeep(app: App, tx: Transaction) -> None:
    """Do whatever is due; called at start and once an hour."""
    account = app.account(tx)
    if account.maintain(app.now_ms()):
        app.save_account(tx, account)
    for person in people.persons(tx, "accepted"):
        direct.settle_accounts(app, tx, person.id)
    for lock in passages.unfinished(tx):
        direct.move_circulation(app, tx, lock)
    recurring.enter_due(app, tx)
    recurring.remind(app, tx)
    for entry in logs.waiting_since(tx, app.now_ms() - AHEAD_FOR_MS):
        messages.forget(tx, entry)
    group_checkpoints.confirm_due(app, tx)
    outbox.forget_seen(tx, app.now_ms() - SEEN_FOR_MS)
    events.prune(tx, app.now_ms() - EVENTS_FOR_MS)
