"""`p2pchat status`, `net`, `peers`, `ping`, `connect`: what the node sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from p2pchat.api import schema as s
from p2pchat_cli import prometheus
from p2pchat_cli.options import WhoArgument, session_of
from p2pchat_cli.style import accent, bad, bold, dim, good
from p2pchat_cli.text import columns, lasting, plural


def status(ctx: typer.Context) -> None:
    """Works with the node running or not."""
    session = session_of(ctx)
    found = session.call("node.status", s.Nothing(), s.Status)
    session.answer(found, _status(found))


def net(
    ctx: typer.Context,
    for_prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Print the counters as Prometheus reads them.")
    ] = False,
) -> None:
    """For finding out why a peer is not reached."""
    session = session_of(ctx)
    report = session.call("node.net", s.Nothing(), s.NetworkReport)
    session.answer(report, prometheus.lines(report) if for_prometheus else _net(report))


def peers(ctx: typer.Context) -> None:
    """Contacts by name, others by the beginning of their id."""
    session = session_of(ctx)
    report = session.call("node.net", s.Nothing(), s.NetworkReport)
    session.answer(report, _peers(report.peers) or ["No peer is connected."])


def ping(
    ctx: typer.Context,
    who: WhoArgument,
    count: Annotated[int, typer.Option(min=1, max=1000, help="How often.")] = 1,
) -> None:
    """Waits a second between two."""
    session = session_of(ctx)
    for number in range(count):
        if number:
            time.sleep(1)
        result = session.call("node.ping", s.Who(who=who), s.PingResult)
        session.answer(result, [f"{accent(who)} answered in {result.ms:.1f} ms."])


def connect(ctx: typer.Context, who: WhoArgument) -> None:
    """The node does so by itself; this says at once why it does not get through."""
    session = session_of(ctx)
    done = session.call("node.connect", s.Who(who=who), s.Done)
    session.answer(done, [f"Connected to {accent(who)}."])


def _status(found: s.Status) -> Iterator[str]:
    running = good("running") if found.running else bad("not running: p2pchat run")
    running += ", kept off every network (--offline)" if found.offline else ""
    waiting = f", {plural(found.outbox, 'item')} not delivered yet" if found.outbox else ""
    rows = [
        ("name", f"{bold(found.identity.name)}  {dim(found.identity.fingerprint)}"),
        ("node", running),
        ("network", found.network or bad("none: p2pchat network join FILE")),
        *(("listening", address) for address in found.listening),
        ("peers", str(found.peers)),
        ("contacts", str(found.contacts)),
        ("groups", str(found.groups)),
        ("messages", f"{found.unread} unread{waiting}"),
    ]
    if found.requests:
        rows.append(("requests", f"{found.requests}: p2pchat requests list, p2pchat group list"))
    rows.append(("store", f"{found.store_bytes / 1e6:.1f} MB"))
    yield from columns(rows)


_REACHABILITY: Final = {
    "public": "others can dial this node",
    "private": "others cannot dial this node: a NAT or a firewall is in between",
    "offline": "no: this node is kept off every network (run --offline)",
    "unknown": "nobody was there to ask whether others can dial this node",
}


def _net(report: s.NetworkReport) -> Iterator[str]:
    for address in report.listening:
        yield f"listening  {address}"
    reachable = _REACHABILITY.get(report.reachability, report.reachability)
    yield f"reachable  {'through relays alone' if report.proxy else reachable}"
    if report.proxy:
        yield f"proxy      {report.proxy}: every dial goes through it"
    if report.without:
        yield f"not used   {', '.join(report.without)}"
    for relay in report.relays:
        yield f"relay      {relay[:8]}"
    yield from _peers(report.peers) or ["No peer is connected."]
    if report.absent:
        yield bold("Not connected")
        yield from columns([_absent(absent) for absent in report.absent])
    yield from columns([(dim(name), str(number)) for name, number in sorted(report.counters.items())])


def _absent(absent: s.Absent) -> tuple[str, str, str]:
    name = accent(absent.name) if absent.name else dim(absent.device[:8])
    again = "dialling now" if absent.retry_s is None else f"next try in {lasting(int(absent.retry_s))}"
    kind = ", bootstrap" if absent.bootstrap else "" if absent.contact else ", member"
    return name, absent.reason or "not tried yet", dim(again + kind)


def _peers(peers: list[s.Peer]) -> list[str]:
    return columns([_peer(peer) for peer in peers])


def _peer(peer: s.Peer) -> tuple[str, str, str]:
    name = accent(peer.name) if peer.name else dim(peer.device[:8])
    kind = f"{peer.direction}, bootstrap" if peer.bootstrap else peer.direction
    return name, kind, " ".join(peer.addresses)
