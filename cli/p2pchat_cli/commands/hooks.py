"""`p2pchat hook`: web addresses and commands that the node calls for each event."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer

from p2pchat.api import schema as s
from p2pchat.errors import NotFoundError, UsageError
from p2pchat_cli.options import session_of
from p2pchat_cli.style import bad, bold, dim, good
from p2pchat_cli.text import columns, plural

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What you call the hook.")]


def add(
    ctx: typer.Context,
    name: NameArgument,
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Where each event is posted, signed.")
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Run this instead, with the event as JSON on its standard input; no shell is between.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Only events of this type; may be repeated.", show_default=False),
    ] = None,
) -> None:
    """Your node calls it in the order of the events, each until it is taken (2xx, or exit code 0)."""
    session = session_of(ctx)
    if (url is None) == (command is None):
        raise UsageError("Name a URL or a --command: one of the two.")
    words = _words(command) if command is not None else []
    added = session.call(
        "hook.add", s.AddHook(name=name, url=url or "", command=words, only=only or []), s.Hook
    )
    session.answer(added, [f"Your node calls {bold(name)} for what happens from now on."])
    if url is not None:
        session.hint(f"The secret that signs is in {session.home.directory}/bots/{name}.secret")


def show_all(ctx: typer.Context) -> None:
    """How far each is, and what it waits for."""
    session = session_of(ctx)
    found = session.call("hook.list", s.Nothing(), s.Hooks)
    session.answer(
        found, columns([_row(one) for one in found.hooks]) or ["No hook: p2pchat hook add NAME URL."]
    )


def remove(ctx: typer.Context, name: NameArgument) -> None:
    """What happens meanwhile is not kept for it."""
    session = session_of(ctx)
    done = session.call("hook.remove", s.HookRef(hook=name), s.Done)
    session.answer(done, [f"Your node calls {bold(name)} no longer."])


def _words(command: str) -> list[str]:
    """The program, by its full path (the node runs elsewhere), and its arguments."""
    try:
        program, *arguments = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"'{command}' is no command: name a program and its arguments.") from error
    found = shutil.which(program)
    if found is None:
        raise NotFoundError(f"There is no program '{program}' that can be run.")
    return [str(Path(found).absolute()), *arguments]


def _row(one: s.Hook) -> tuple[str, str, str, str]:
    target = one.url or shlex.join(one.command)
    state = good("up to date") if not one.behind else f"{plural(one.behind, 'event')} behind"
    state = bad(f"event waits: {one.trouble}") if one.trouble else state
    return bold(one.name), target, dim(", ".join(one.only) or "all events"), state
