"""`p2pchat man`: the manual page."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pchat_cli import output


def man(
    ctx: typer.Context,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, as in the guide.")] = False,
) -> None:
    """Every command with every option; `p2pchat man | man -l -` shows it."""
    from p2pchat_cli import reference

    output.write(reference.markdown() if markdown else reference.man())
