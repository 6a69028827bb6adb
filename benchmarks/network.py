"""A network of its own for a rig: only loopback, where every byte that its processes exchange is counted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.figures import Sample

SETTLE_S = 5.0
HOUR_S = 3600.0


class Network:
    """Where processes run whose command begins with `prefix`; without one it is that of the machine."""

    def __init__(self, holder: int | None = None) -> None:
        self.holder = holder
        self.prefix = [] if holder is None else ["nsenter", "--target", str(holder), "--net", "--"]

    def carried(self) -> int | None:
        """Bytes that loopback has carried so far, headers of IP and TCP or UDP among them."""
        if self.holder is None:
            return None
        for line in Path(f"/proc/{self.holder}/net/dev").read_text().splitlines():
            name, _, counters = line.partition(":")
            if name.strip() == "lo":
                return int(counters.split()[0])
        return None


@contextmanager
def own_network() -> Iterator[Network]:
    """A network namespace, which needs root and Linux; else the machine's network, uncounted."""
    command = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"]
    try:
        holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )  # cat ends with whoever holds its input
    except OSError:
        yield Network()
        return
    try:
        assert holder.stdout is not None
        yield Network(holder.pid if holder.stdout.readline() else None)
    finally:
        holder.kill()
        holder.wait()


class Idle:
    """What two contacts use who have nothing to say: CPU and memory of one, traffic of both."""

    def __init__(self, process: psutil.Process, network: Network) -> None:
        self._process, self._network = process, network

    def begin(self) -> None:
        """Look at the counters."""
        self._used, self._began = self._cpu_s(), time.perf_counter()
        self._carried = self._network.carried()

    def end(self) -> Iterator[Sample]:
        """Look at them again."""
        seconds, now = time.perf_counter() - self._began, self._network.carried()
        yield Sample("idle_cpu", 100 * (self._cpu_s() - self._used) / seconds)
        yield Sample("idle_memory", self._process.memory_info().rss / 1e6)
        if now is not None and self._carried is not None:
            yield Sample("idle_traffic", (now - self._carried) / 1000 * HOUR_S / seconds)

    def _cpu_s(self) -> float:
        return sum(self._process.cpu_times()[:2])
