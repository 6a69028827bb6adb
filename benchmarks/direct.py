"""One-to-one messages between two real nodes: rate, latency and what each costs.

`rate` pipelines texts through one connection to the sender's node and ends when the sender has been
told of the last delivery; each message was then committed on both sides (synchronous=FULL), sealed end
to end, indexed for search and acknowledged.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.people import Client, Person, befriend, people, text


def rate(sender: Person, receiver: Person, count: int) -> dict[str, float]:
    """Messages per second until all are delivered, and CPU time for each in microseconds."""
    events, writer = sender.connect(), sender.connect()
    assert events
    assert writer
    used = sender.cpu_s(), receiver.cpu_s()
    delivered = threading.Thread(target=_await_deliveries, args=(events, sender.cursor, count))
    delivered.start()
    answers = threading.Thread(target=_read_lines, args=(writer, count))
    answers.start()
    began = time.perf_counter()
    writer.write(*(("message.send", {"chat": receiver.name, "text": text(n)}) for n in range(count)))
    answers.join()
    accepted = time.perf_counter() - began
    delivered.join()
    took = time.perf_counter() - began
    return {
        "delivered per second": count / took,
        "accepted per second": count / accepted,
        "sender CPU, us": 1e6 * (sender.cpu_s() - used[0]) / count,
        "receiver CPU, us": 1e6 * (receiver.cpu_s() - used[1]) / count,
    }


def _read_lines(client: Client, count: int) -> None:
    for _ in range(count):
        client.read()
    client.close()


def _await_deliveries(client: Client, since: int, count: int) -> None:
    client.call("events.subscribe", since=since)
    while count:
        line = client.read()
        count -= b'"message.state"' in line and b'"delivered"' in line
    client.close()


def latency(sender: Person, receiver: Person, count: int, pause_s: float = 0.005) -> list[float]:
    """Seconds from handing a text to the sender's node until the receiver's node shows it."""
    shown = receiver.connect()
    assert shown
    shown.call("events.subscribe", since=receiver.cursor)
    took = []
    for number in range(count):
        words = text(number)
        began = time.perf_counter()
        sender.client.write(("message.send", {"chat": receiver.name, "text": words}))
        while b'"message.received"' not in (line := shown.read()):
            pass
        took.append(time.perf_counter() - began)
        assert json.loads(line)["params"]["data"]["text"] == words
        sender.client.read()
        time.sleep(pause_s)
    shown.close()
    return took


@contextmanager
def pair() -> Iterator[tuple[Person, Person]]:
    """Two contacts with their nodes running."""
    with people("ann", "ben") as (ann, ben):
        befriend(ann, ben)
        yield ann, ben


if __name__ == "__main__":
    with pair() as (ann, ben):
        rate(ann, ben, 500)
        for _ in range(5):
            print({name: round(value, 1) for name, value in rate(ann, ben, 5000).items()})
        took = sorted(latency(ann, ben, 300))
        print("latency ms p50, p99", 1e3 * statistics.median(took), 1e3 * took[int(0.99 * len(took))])
