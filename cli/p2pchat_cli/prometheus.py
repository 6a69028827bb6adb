"""The network's gauges and counters in Prometheus's text exposition format.

https://prometheus.io/docs/instrumenting/exposition_formats/. A person's node opens no port for it: a
timer writes this into a file for node_exporter's textfile collector.
"""

from __future__ import annotations

from collections.abc import Iterator

from p2pchat.api import schema as s


def lines(report: s.NetworkReport) -> Iterator[str]:
    """All metrics of `report`."""
    yield from _head("p2pchat_peers", "gauge", "Devices connected now.")
    yield f"p2pchat_peers {len(report.peers)}"
    yield from _head("p2pchat_absent", "gauge", "Devices wanted and not connected.")
    yield f"p2pchat_absent {len(report.absent)}"
    yield from _head("p2pchat_reachable", "gauge", "1 if others can dial this node.")
    yield f"p2pchat_reachable {int(report.reachability == 'public')}"
    yield from _head("p2pchat_network_total", "counter", "What the network layer has counted.")
    for name, number in sorted(report.counters.items()):
        yield f'p2pchat_network_total{{event="{_escaped(name)}"}} {number}'


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
