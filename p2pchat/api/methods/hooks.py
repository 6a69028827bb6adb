"""Web addresses and commands that the node calls for each event."""

from __future__ import annotations

from typing import Final

from p2pchat.api import schema as s
from p2pchat.api.methods.base import Change, Query
from p2pchat.api.webhook import Webhook, secret_of
from p2pchat.node.features import hooks
from p2pchat.node.features.app import App
from p2pchat.store import events
from p2pchat.store.transaction import Reader, Transaction


def hook_add(app: App, tx: Transaction, params: s.AddHook) -> s.Hook:
    """See the table; the secret that signs is made along with it."""
    hook = hooks.Hook(params.name, params.url, tuple(params.command), tuple(params.only))
    if hook.url:
        Webhook.at(hook.url, b"", "")
    hooks.add(tx, hook)
    if hook.url:
        secret_of(app.home, hook.name)
    return _hook(tx, hook)


def hook_list(app: App, tx: Reader, params: s.Nothing) -> s.Hooks:
    """See the table; the running node adds what only it knows."""
    return s.Hooks(hooks=[_hook(tx, one) for one in hooks.everyone(tx)])


def hook_remove(app: App, tx: Transaction, params: s.HookRef) -> s.Done:
    """See the table."""
    hooks.remove(tx, params.hook)
    return s.Done()


def _hook(tx: Reader, one: hooks.Hook) -> s.Hook:
    cursor = hooks.cursor(tx, one.name)
    return s.Hook(
        name=one.name,
        url=one.url,
        command=list(one.command),
        only=list(one.only),
        cursor=cursor,
        behind=max(0, events.last(tx) - cursor),
    )


QUERIES: Final[dict[str, Query]] = {"hook.list": hook_list}
CHANGES: Final[dict[str, Change]] = {"hook.add": hook_add, "hook.remove": hook_remove}
