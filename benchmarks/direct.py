"""One-to-one messages between two real nodes, and what their local API carries.

The rate is that of texts pipelined through one connection to the sender's node, until the sender has
been told of the last delivery; by then each was committed on both sides (synchronous=FULL), sealed end
to end, indexed for search and acknowledged.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.figures import Sample, percentile
from benchmarks.network import Idle, own_network
from benchmarks.people import Client, Person, befriend, drain, people, text, until

COUNT = 3000
PINGS = 100
PAUSE_S = 0.005  # between texts whose latency is measured
CALLS = 5000
CLIENTS, DEAF = 50, 10


def rate(sender: Person, receiver: Person, count: int = COUNT) -> Iterator[Sample]:
    """Messages per second until all are delivered, and CPU time for each."""
    news, writer = sender.connect(), sender.connect()
    used = sender.cpu_s(), receiver.cpu_s()
    news.call("events.subscribe", since=sender.cursor)
    waiting = [
        threading.Thread(target=drain, args=(news, count, b'"delivered"')),
        threading.Thread(target=drain, args=(writer, count, b'"id"')),
    ]
    for thread in waiting:
        thread.start()
    began = time.perf_counter()
    writer.write(*(("message.send", {"chat": receiver.name, "text": text(n)}) for n in range(count)))
    for thread in waiting:
        thread.join()
    yield Sample("rate", count / (time.perf_counter() - began))
    yield Sample("send_cpu", 1e6 * (sender.cpu_s() - used[0]) / count)
    yield Sample("take_cpu", 1e6 * (receiver.cpu_s() - used[1]) / count)


def latency(sender: Person, receiver: Person, count: int = PINGS) -> list[float]:
    """Milliseconds from handing a text to the sender's node until the receiver's node shows it."""
    shown, took = receiver.connect(), list[float]()
    shown.call("events.subscribe", since=receiver.cursor)
    for number in range(count):
        began = time.perf_counter()
        sender.client.write(("message.send", {"chat": receiver.name, "text": text(number)}))
        drain(shown, 1, text(number).encode(), close=False)
        took.append(1e3 * (time.perf_counter() - began))
        sender.client.read()
        time.sleep(PAUSE_S)
    shown.close()
    return took


def calls(person: Person, count: int = CALLS) -> float:
    """Answers per second to pipelined questions for one message."""
    (message,) = person.call("message.history", chat="ann", limit=1)["messages"]
    client = person.connect()
    reader = threading.Thread(target=drain, args=(client, count, b'"result"'))
    reader.start()
    began = time.perf_counter()
    client.write(*[("message.show", {"id": message["id"]})] * count)
    reader.join()
    return count / (time.perf_counter() - began)


@contextmanager
def crowd(person: Person) -> Iterator[None]:
    """`CLIENTS` subscribers of a node, `DEAF` of which never read."""
    with ExitStack() as stack:
        for number in range(CLIENTS):
            client: Client = person.connect()
            stack.callback(client.close)
            client.write(("events.subscribe", {"since": person.cursor}))
            if number >= DEAF:
                threading.Thread(target=_read_on, args=(client,), daemon=True).start()
        yield


def _read_on(client: Client) -> None:
    try:
        while True:
            client.read()
    except OSError:
        pass


def reconnect(sender: Person, receiver: Person) -> Iterator[Sample]:
    """Seconds until a killed receiver's node shows a text sent meanwhile.

    They count from when it answers again, and from its start.
    """
    before = receiver.cursor
    receiver.stop(signal.SIGKILL)
    words = text(time.monotonic_ns() % 10**7)
    sender.call("message.send", chat=receiver.name, text=words)
    started = time.perf_counter()
    receiver.start()
    answered = time.perf_counter()
    shown = receiver.connect()
    shown.call("events.subscribe", since=before)  # as a client goes on that was connected
    drain(shown, 1, words.encode())
    yield Sample("reconnect", time.perf_counter() - answered)
    yield Sample("restart", time.perf_counter() - started)


class Pair:
    """The rig of two contacts."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Both nodes run and know each other while the context is open."""
        with own_network() as self._network, people("ann", "ben", network=self._network) as both:
            self._ann, self._ben = both
            befriend(self._ann, self._ben)
            self._is_fresh = True
            yield

    def idle(self) -> Idle:
        """What counts its idleness."""
        return Idle(self._ben.process, self._network)

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        if self._is_fresh:
            list(rate(self._ann, self._ben, 500))
            self._is_fresh = False
        yield from rate(self._ann, self._ben)
        took = latency(self._ann, self._ben)
        yield Sample("latency_p50", percentile(took, 0.5))
        yield Sample("latency_p99", percentile(took, 0.99))
        with crowd(self._ben):
            yield Sample("latency_crowded_p50", percentile(latency(self._ann, self._ben), 0.5))
        yield Sample("calls", calls(self._ben))
        yield from reconnect(self._ann, self._ben)


class Missed:
    """The rig of messages that were written while their reader was away."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Two contacts."""
        with people("ann", "ben") as (self._ann, self._ben):
            befriend(self._ann, self._ben)
            yield

    def round(self) -> Iterator[Sample]:
        """Seconds from when the reader's node answers until it shows the last of 10,000."""
        before = self._ben.cursor
        self._ben.stop()
        writer, last = self._ann.connect(), text(time.monotonic_ns() % 10**7)
        for first in range(0, 10_000, 1000):
            words = [text(n) for n in range(first, first + 1000)]
            if first == 9000:
                words[-1] = last
            writer.write(*(("message.send", {"chat": "ben", "text": one}) for one in words))
            drain(writer, 1000, b'"result"', close=False)
        writer.close()
        self._ben.start()
        began = time.perf_counter()
        shown = self._ben.connect()
        shown.call("events.subscribe", since=before)
        drain(shown, 1, last.encode())
        yield Sample("missed", time.perf_counter() - began)
        until(lambda: self._ann.call("node.status").get("outbox", 0) == 0)


if __name__ == "__main__":
    rig = Pair()
    with rig.ready():
        for _ in range(3):
            print({metric: round(value, 2) for metric, value in rig.round()})
