"""`p2pchat device`: the devices of a person."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import complete_contact, session_of
from p2pchat_cli.style import bad, dim, good
from p2pchat_cli.text import ago, columns

_STANDINGS: Final = {
    "this": (good, "this device"),
    "listed": (good, "in use"),
    "met": (dim, "said hello, but no card of theirs lists it"),
    "revoked": (bad, "revoked"),
}


def show_all(
    ctx: typer.Context,
    who: Annotated[
        str | None,
        typer.Argument(metavar="[WHO]", help="A contact instead of you.", autocompletion=complete_contact),
    ] = None,
) -> None:
    """One device at a time speaks for a person: restoring a backup on another one revokes the last."""
    session = session_of(ctx)
    found = session.call("device.list", s.DeviceQuery(who=who), s.Devices)
    session.answer(found, columns([_row(one) for one in found.devices]) or ["No device is known."])


def _row(one: s.Device) -> tuple[str, str, str]:
    since = dim(f"since {ago(one.since_ms)}") if one.since_ms else ""
    colour, words = _STANDINGS.get(one.standing, (dim, one.standing))
    return one.device[:8], colour(words), since
