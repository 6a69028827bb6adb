"""Web addresses and commands that the node calls for each event."""

from __future__ import annotations

from typing import Final

import msgspec

from p2pchat.api.schema.base import Done, Method, Nothing, Params, Result


class AddHook(Params):
    """Call a web address (POST, signed) or run a command (the event on its standard input) for events."""

    name: str
    url: str = ""
    command: list[str] = msgspec.field(default_factory=list)  # a program and its arguments; no shell
    only: list[str] = msgspec.field(default_factory=list)  # types of events; none: all


class HookRef(Params):
    """A hook, by its name."""

    hook: str


class Hook(Result):
    """A hook, and how far it is."""

    name: str
    url: str
    command: list[str]
    only: list[str]
    cursor: int  # the last event that it is done with
    behind: int  # numbers of events after that one
    trouble: str = ""  # why the next event was not taken the last time; known to the running node


class Hooks(Result):
    """All hooks."""

    hooks: list[Hook]


METHODS: Final[dict[str, Method]] = {
    "hook.add": Method(AddHook, Hook, "store", "Call a web address or a command for each event from now on"),
    "hook.list": Method(Nothing, Hooks, "store", "All hooks, and how far they are"),
    "hook.remove": Method(HookRef, Done, "store", "Have a hook no longer"),
}
