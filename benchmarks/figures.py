"""What is measured: the list of metrics, samples, and figures as lines of JSON.

A figure is the median of its samples, with the lowest and the highest beside it and the load of the
machine (1-minute average) when the last was taken.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple


class Metric(NamedTuple):
    """One thing to measure."""

    title: str
    unit: str
    more_is_better: bool = False
    target: float | None = None  # for p2pchat; None: shown without judgement
    digits: int = 1


HISTORY: Final = (0, 1_000, 10_000, 100_000)
CONTACTS: Final = (10, 100, 1_000, 10_000)
SIZES: Final = (5, 10, 20)

METRICS: Final[dict[str, Metric]] = {
    "rate": Metric("one-to-one, pipelined, with receipts", "messages/s", True, 5000, 0),
    "rate_of_limit": Metric("the same, share of the raw limit", "ratio", True, 1 / 3, 3),
    "send_cpu": Metric("CPU of the sender's node for each", "µs", digits=0),
    "take_cpu": Metric("CPU of the receiver's node for each", "µs", digits=0),
    "latency_p50": Metric("one-to-one latency, median", "ms", False, 3, 2),
    "latency_p99": Metric("one-to-one latency, 99th percentile", "ms", False, 10, 2),
    "latency_crowded_p50": Metric("the same median beside 50 clients, 10 deaf", "ms", digits=2),
    "calls": Metric("JSON-RPC calls on the socket, pipelined", "calls/s", True, 5000, 0),
    "missed": Metric("10,000 missed messages", "s", False, 3),
    "reconnect": Metric("first text after the peer was killed and is back", "s", False, 0.5, 2),
    "restart": Metric("a killed peer's new start to the first text there", "s", digits=2),
    "cold_start": Metric("cold start to ready", "s", False, 1.2, 2),
    "cold_start_cpu": Metric("CPU of a cold start", "s", digits=2),
    "cli_of_typer": Metric(
        "CPU of a command against a running node, `import typer` = 1", "ratio", False, 1.6, 2
    ),
    "idle_memory": Metric("idle memory", "MB", False, 100, 0),
    "idle_cpu": Metric("idle CPU", "%", False, 0.3, 2),
    "idle_traffic": Metric("idle traffic of two contacts with their servers", "kB/h", digits=0),
    "idle_traffic_of_ten": Metric("idle traffic of one with ten contacts, payload of TCP", "kB/h", digits=0),
    "ingest": Metric("direct messages taken in, one core, in batches", "messages/s of CPU", True, 5000, 0),
    "seal_of_limit": Metric("encrypt, persist, decrypt, persist: share of the limit", "ratio", True, 0.5, 2),
    "search": Metric("search in 100,000 messages", "ms", False, 20, 2),
    "page": Metric("open a chat of 100,000 messages", "ms", False, 50, 2),
    "ledger_audit": Metric("ledger: full audit, share of raw signature checks", "ratio", True, 0.85, 2),
    "ledger_receive": Metric("ledger: entries decoded, hashed and checked", "entries/s", True, digits=0),
    "ledger_open": Metric("ledger: CPU to open an account of 100,000 entries", "s", False, 0.5, 2),
    "ledger_bulk": Metric("ledger: both ends in bulk, share of sign and check", "ratio", True, 0.6, 2),
    "ledger_bulk_rate": Metric("the same without a disk", "IOUs/s", True, digits=0),
    "ledger_durable": Metric("ledger: durable one by one, share of sign and sync", "ratio", True, 0.7, 2),
    "ledger_pay": Metric("`iou pay`, durable, one by one", "IOUs/s", True, digits=0),
    **{
        f"group{n}_{part}": metric
        for n, target in ((5, None), (10, None), (20, 700))
        for part, metric in (
            ("rate", Metric(f"group of {n}, until all have all", "messages/s", True, target, 0)),
            ("latency", Metric(f"group of {n}, last member, median", "ms", digits=1)),
            ("lost", Metric(f"group of {n}, deliveries lost", "", False, 0, 0)),
        )
    },
}

GROWTH: Final[dict[str, Metric]] = {
    f"{kind}{count}_{part}": Metric(f"{title} with {count:,} {things}", unit, digits=digits)
    for kind, things, counts in (
        ("history", "lines in the chat", HISTORY),
        ("contacts", "contacts", CONTACTS),
    )
    for count in counts
    for part, title, unit, digits in (
        ("send", "CPU to send", "µs", 0),
        ("take", "CPU to take in", "µs", 0),
        ("open", "CPU to open the chat", "ms", 2),
        ("list", "CPU to list all chats", "ms", 2),
    )
}


def about(metric: str) -> Metric:
    """What is known of a metric by its name."""
    return METRICS.get(metric) or GROWTH[metric]


class Sample(NamedTuple):
    """One value of one metric."""

    metric: str
    value: float


@dataclass
class Figure:
    """All samples of one metric of one system."""

    system: str
    metric: str
    values: list[float] = field(default_factory=list)
    load: float = 0.0

    @property
    def median(self) -> float:
        """The median of the samples."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is reached; None if there is none."""
        metric = about(self.metric)
        if metric.target is None or self.system != "p2pchat":
            return None
        return self.median >= metric.target if metric.more_is_better else self.median <= metric.target

    def line(self) -> str:
        """The figure as one line of JSON."""
        metric = about(self.metric)
        line = {
            "system": self.system,
            "metric": self.metric,
            "unit": metric.unit,
            "median": round(self.median, 4),
            "low": round(min(self.values), 4),
            "high": round(max(self.values), 4),
            "runs": len(self.values),
            "load": round(self.load, 2),
        }
        if self.is_met is not None:
            line |= {"target": metric.target, "met": self.is_met}
        return json.dumps(line)

    @classmethod
    def parse(cls, line: str) -> Figure:
        """The figure that `line` told, with as many samples, of which it knew three."""
        told = json.loads(line)
        between = [told["median"]] * (told["runs"] - 2)
        values = [told["low"], *between, told["high"]] if told["runs"] > 1 else [told["median"]]
        return cls(told["system"], told["metric"], values, told["load"])


class Collection:
    """Figures in the making, by system and metric."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], Figure] = {}

    def add(self, system: str, samples: Iterable[Sample]) -> None:
        """Take in what a rig measured."""
        for metric, value in samples:
            figure = self._figures.setdefault((system, metric), Figure(system, metric))
            figure.values.append(value)
            figure.load = os.getloadavg()[0]

    def get(self, system: str, metric: str) -> Figure | None:
        """One figure, if it was measured."""
        return self._figures.get((system, metric))

    def __iter__(self) -> Iterator[Figure]:
        return iter(self._figures.values())


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
