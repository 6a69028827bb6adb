"""`p2pchat completion`: what a shell needs to complete commands, contacts and groups."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """The shells we can serve."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print the script; the shell calls us back for the words."""
    from typer.completion import shell_complete

    from p2pchat_cli.tree import root, serve_completion

    serve_completion()
    shell_complete(root(), {}, "p2pchat", "_P2PCHAT_COMPLETE", f"source_{shell.value}")
