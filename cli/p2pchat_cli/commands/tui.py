"""`p2pchat tui`: the terminal UI, in a process of its own."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from p2pchat.api.client import NOT_RUNNING
from p2pchat.errors import NetworkError, UsageError
from p2pchat_cli.options import session_of


class Theme(StrEnum):
    """What the colours are made for."""

    dark = "dark"
    light = "light"


def tui(
    ctx: typer.Context,
    theme: Annotated[Theme, typer.Option(help="The colours; ^t turns them.")] = Theme.dark,
) -> None:
    """Keys and mouse; your node has to run, and goes on when you leave."""
    session = session_of(ctx)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("This needs a terminal: `p2pchat chat` also works in a pipe.")
    if not session.node_runs():
        raise NetworkError(NOT_RUNNING)
    session.close()
    # -P: what lies in the current directory is not for us to import.
    command = [sys.executable, "-P", "-m", "p2pchat_tui", "--theme", theme.value]
    os.execv(command[0], [*command, "--home", str(session.home.directory)])  # noqa: S606 -- our own module
