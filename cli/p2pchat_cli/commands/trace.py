"""`p2pchat peers trace`: each way to a contact, and what fails on it."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from p2pchat.api import schema as s
from p2pchat_cli.options import WhoArgument, session_of
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import ago, columns, lasting


def trace(ctx: typer.Context, who: WhoArgument) -> None:
    """Dials every known address by itself, then looks for others; takes up to a minute."""
    session = session_of(ctx)
    found = session.call("node.trace", s.Who(who=who), s.Trace)
    session.answer(found, [line for device in found.devices for line in _device(found.name, device)])


def _device(name: str, device: s.TracedDevice) -> Iterator[str]:
    standing = good("connected") if device.connected else bad("not reached")
    took = f" in {device.ms:.1f} ms" if device.ms is not None else ""
    yield f"{accent(name)} {dim(device.device[:8])}  {bold(standing)}{took}"
    yield from (f"  by {path}" for path in device.path)
    yield from columns([_try(one) for one in device.tries])
    if device.connected:
        return
    if not device.tries:
        yield "  No address is known, and nobody in the network says one: ask for a new invite link."
    elif all(one.reason == "timed out" for one in device.tries):
        yield "  Nothing answers: their node is off, or a firewall or NAT is in between and no relay helps."
    elif any(one.reason == "answered as another device" for one in device.tries):
        yield "  Somebody else answers there: their address has moved, or their device is a new one."
    if device.retry_s is not None:
        yield dim(f"  Your node tries again in {lasting(int(device.retry_s))}; what you write waits.")


def _try(one: s.TracedAddress) -> tuple[str, str, str]:
    history = (
        "found just now" if one.found else f"worked {ago(one.worked_ms)}" if one.worked_ms else "never worked"
    )
    return f"  {one.address}", bad(one.reason) if one.reason else good("answered"), dim(history)
