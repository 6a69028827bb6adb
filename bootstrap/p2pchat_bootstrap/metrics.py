"""What the node counts, served to Prometheus, and whether it is healthy.

Text exposition format, https://prometheus.io/docs/instrumenting/exposition_formats/. Two paths and no
input need no web framework; requests are bounded in size, time and number.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from p2pchat.core.mailbox.frames import Reason
from p2pchat.errors import NetworkError
from p2pchat.net.libp2p_network import Libp2pNetwork
from p2pchat.node.mailbox.server import MailboxServer

MAX_REQUEST: Final = 8192
REQUEST_S: Final = 5.0
_AT_A_TIME: Final = 8

Health = Callable[[], bool]


async def serve_metrics(
    host: str,
    port: int,
    network: Libp2pNetwork,
    mailbox: MailboxServer | None,
    healthy: Health,
    *,
    task_status: Any = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer /metrics and /health on one endpoint until cancelled; starts with the port it got.

    Raises:
        NetworkError: the endpoint cannot be listened on.
    """
    limiter = trio.CapacityLimiter(_AT_A_TIME)
    render = partial(_render, network, mailbox)

    async def answer(stream: trio.SocketStream) -> None:
        async with stream, limiter:
            with trio.move_on_after(REQUEST_S):
                try:
                    await stream.send_all(_respond(await _request_path(stream), render, healthy))
                except trio.BrokenResourceError:
                    return

    try:
        listeners = await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        raise NetworkError(f"Cannot serve metrics on {host}:{port}: {error.strerror}.") from error
    task_status.started(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(answer, listeners)


async def _request_path(stream: trio.SocketStream) -> str | None:
    """The path of a GET request, None for anything else."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await stream.receive_some()
        data += chunk
        if not chunk or len(data) > MAX_REQUEST:
            return None
    parts = data.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return parts[1] if len(parts) == 3 and parts[0] == "GET" else None


def _respond(path: str | None, render: Callable[[], str], healthy: Health) -> bytes:
    if path is None:
        status, body = "400 Bad Request", "bad request\n"
    elif path == "/metrics":
        status, body = "200 OK", render()
    elif path == "/health":
        status, body = ("200 OK", "ok\n") if healthy() else ("503 Service Unavailable", "stopping\n")
    else:
        status, body = "404 Not Found", "there are /metrics and /health\n"
    payload = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + payload


def _render(network: Libp2pNetwork, mailbox: MailboxServer | None) -> str:
    """All metrics of the node and its process, as Prometheus reads them."""
    kept = _mailbox(mailbox) if mailbox is not None else ()
    return "\n".join([*_node(network), *kept, *_dropped(network), *_process(), ""])


def _node(network: Libp2pNetwork) -> Iterator[str]:
    state = network.state()
    table, relay = network.services.table, network.services.relay
    yield from _metric("p2pchat_peers", "gauge", "Devices connected now.", len(state.peers))
    yield from _metric(
        "p2pchat_connections_limit", "gauge", "Most connections at a time.", network.guard.limits.connections
    )
    if table is not None:
        yield from _metric("p2pchat_records", "gauge", "Address records kept for others.", len(table.shelf))
        yield from _metric(
            "p2pchat_table_nodes", "gauge", "Other nodes of the table known.", len(table.table)
        )
    if network.services.point is not None:
        yield from _metric(
            "p2pchat_rendezvous_registrations",
            "gauge",
            "Devices registered here.",
            len(network.services.point.registry),
        )
    if relay is not None:
        yield from _metric(
            "p2pchat_relay_reservations", "gauge", "Devices callable through us.", len(relay.reservations)
        )
        yield from _metric(
            "p2pchat_relay_circuits", "gauge", "Relayed connections now.", relay.circuits.total
        )
        yield from _metric("p2pchat_relay_bytes_total", "counter", "Bytes relayed.", relay.counters["bytes"])
        yield "# HELP p2pchat_relay_requests_total What became of requests to the relay."
        yield "# TYPE p2pchat_relay_requests_total counter"
        for result in ("reserved", "circuits", "refused", "malformed", "over_limit"):
            yield f'p2pchat_relay_requests_total{{result="{result}"}} {relay.counters[result]}'


def _mailbox(mailbox: MailboxServer) -> Iterator[str]:
    sums, counters = mailbox.state.sums, mailbox.state.counters
    yield from _metric("p2pchat_mailbox_boxes", "gauge", "Mailboxes kept.", sums.boxes)
    yield from _metric("p2pchat_mailbox_parcels", "gauge", "Parcels kept, a minute ago.", sums.parcels)
    yield from _metric("p2pchat_mailbox_bytes", "gauge", "Bytes of parcels kept.", mailbox.state.used)
    yield from _metric("p2pchat_mailbox_limit_bytes", "gauge", "Most bytes kept.", mailbox.state.limits.size)
    yield from _metric("p2pchat_mailbox_held_total", "counter", "Deposits taken.", counters["held"])
    yield from _metric("p2pchat_mailbox_taken_total", "counter", "Parcels collected.", counters["taken"])
    yield from _metric("p2pchat_mailbox_expired_total", "counter", "Parcels expired.", counters["expired"])
    yield "# HELP p2pchat_mailbox_refused_total Questions refused, by reason."
    yield "# TYPE p2pchat_mailbox_refused_total counter"
    for reason in Reason:
        yield f'p2pchat_mailbox_refused_total{{reason="{reason}"}} {counters[f"refused.{reason}"]}'


def _dropped(network: Libp2pNetwork) -> Iterator[str]:
    counters = sorted(network.state().counters.items())
    yield "# HELP p2pchat_dropped_total Connections, streams and messages dropped, by reason."
    yield "# TYPE p2pchat_dropped_total counter"
    for name, count in counters:
        if name.startswith("dropped."):
            yield f'p2pchat_dropped_total{{reason="{name.removeprefix("dropped.")}"}} {count}'
    yield "# HELP p2pchat_network_total What else the network counts: bans, bytes, changes."
    yield "# TYPE p2pchat_network_total counter"
    for name, count in counters:
        if not name.startswith("dropped."):
            yield f'p2pchat_network_total{{what="{name}"}} {count}'


def _process() -> Iterator[str]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    memory = pages * resource.getpagesize()
    yield from _metric(
        "process_cpu_seconds_total", "counter", "CPU time spent.", round(usage.ru_utime + usage.ru_stime, 3)
    )
    yield from _metric("process_resident_memory_bytes", "gauge", "Memory in use.", memory)
    yield from _metric(
        "process_open_fds", "gauge", "Open file descriptors.", len(os.listdir("/proc/self/fd"))
    )
    yield from _metric("p2pchat_time_seconds", "gauge", "The node's clock.", round(time.time(), 3))


def _metric(name: str, kind: str, text: str, value: float) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    yield f"{name} {value}"
