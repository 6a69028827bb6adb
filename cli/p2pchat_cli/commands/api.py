"""`p2pchat api describe`: the method table for programs."""

from __future__ import annotations

import typer

from p2pchat_cli import output


def describe(ctx: typer.Context) -> None:
    """Every method with its parameters, its result and its errors; needs no node and no profile."""
    from p2pchat.api import openrpc

    output.write(openrpc.document().decode() + "\n")
