"""Where events go besides the faces: web addresses and commands that the running node calls for each.

A hook remembers the number of the last event that was taken, so nothing is missed while the node or the
receiver is away. docs/guide/bots.md
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from p2pchat.errors import NotFoundError, QuotaError, UsageError
from p2pchat.store import events, meta
from p2pchat.store.transaction import Reader, Transaction

MAX_HOOKS: Final = 16
MAX_WORDS: Final = 64  # of a command
_KEY: Final = "hooks"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_TYPE: Final = re.compile(r"[a-z-]{1,32}(\.[a-z-]{1,32})?", re.ASCII)


class Hook(msgspec.Struct, frozen=True):
    """One of `url` and `command` is set; with `only`, events of other types are passed over."""

    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def wants(self, event: events.Event) -> bool:
        """Whether the event is for this hook."""
        return not self.only or event.type in self.only


def everyone(tx: Reader) -> list[Hook]:
    """All hooks, in the order in which they were added."""
    raw = meta.get(tx, _KEY)
    return msgspec.json.decode(raw, type=list[Hook]) if raw else []


def add(tx: Transaction, hook: Hook) -> None:
    """Have a hook for what happens from now on.

    Raises:
        UsageError: its name or types cannot be used, or there is such a hook already.
        QuotaError: there are too many.
    """
    if not _NAME.fullmatch(hook.name):
        raise UsageError(f"'{hook.name}' is no name for a hook: use letters, digits, - and _")
    if bool(hook.url) == bool(hook.command) or len(hook.command) > MAX_WORDS:
        raise UsageError(f"a hook has a web address, or a command of at most {MAX_WORDS} words")
    for type in hook.only:
        if not _TYPE.fullmatch(type):
            raise UsageError(f"'{type}' is no type of events, such as message.received")
    present = everyone(tx)
    if any(one.name == hook.name for one in present):
        raise UsageError(f"there is a hook '{hook.name}' already: remove it, or give another name")
    if len(present) >= MAX_HOOKS:
        raise QuotaError(f"there are {MAX_HOOKS} hooks already")
    _put(tx, [*present, hook])
    took(tx, hook.name, events.last(tx))


def remove(tx: Transaction, name: str) -> None:
    """Have a hook no longer. Raises NotFoundError."""
    present = everyone(tx)
    left = [one for one in present if one.name != name]
    if len(left) == len(present):
        raise NotFoundError(f"there is no hook '{name}'")
    _put(tx, left)
    meta.put(tx, _cursor_key(name), b"")


def cursor(tx: Reader, name: str) -> int:
    """The number of the last event that the hook is done with."""
    return int(meta.get(tx, _cursor_key(name)) or b"0")


def took(tx: Transaction, name: str, seq: int) -> None:
    """The hook is done with event `seq`, unless it was removed meanwhile."""
    if any(one.name == name for one in everyone(tx)):
        meta.put(tx, _cursor_key(name), b"%d" % seq)


def _put(tx: Transaction, hooks: list[Hook]) -> None:
    meta.put(tx, _KEY, msgspec.json.encode(hooks))


def _cursor_key(name: str) -> str:
    return f"hook:{name}"
