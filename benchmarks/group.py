"""Groups of real nodes: how fast one member's texts reach the last of the others, and whether all do."""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import Sample, percentile
from benchmarks.people import Client, Person, befriend, people, text, until

NAME = "club"
BURST = 500
PACED = 30
PAUSE_S = 0.1
PATIENCE_S = 60.0


class Ears:
    """Counts what the nodes of many members show, in one thread."""

    def __init__(self, members: list[Person]) -> None:
        self._selector = selectors.DefaultSelector()
        self._clients: list[Client] = []
        for member in members:
            client = member.connect()
            client.call("events.subscribe", since=member.cursor)
            self._selector.register(client.socket, selectors.EVENT_READ, (client, len(self._clients)))
            self._clients.append(client)
        self.heard = [0] * len(members)

    def listen(self, count: int, patience_s: float = PATIENCE_S) -> float:
        """Hear until everybody was shown `count` texts in all; when the last came."""
        last, until = time.perf_counter(), time.perf_counter() + patience_s
        while min(self.heard) < count and time.perf_counter() < until:
            for key, _ in self._selector.select(0.5):
                client, number = key.data
                self.heard[number] += sum(map(_is_text, client.lines()))
                last = time.perf_counter()
        return last

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.close()


def _is_text(line: bytes) -> bool:
    return b'"message.received"' in line and b'"kind":"text"' in line


class Group:
    """The rig of a group of `size`, all connected to all as the program does it."""

    system = "p2pchat"

    def __init__(self, size: int) -> None:
        self._size = size

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The group stands, and every member has got a text."""
        names = [f"m{number:02d}" for number in range(self._size)]
        with people(*names) as (self._founder, *self._others):
            self._founder.call("group.create", name=NAME)
            for member in self._others:
                befriend(self._founder, member)
                self._founder.call("group.invite", group=NAME, who=member.name)
                until(lambda it=member: it.call("group.list").get("groups"))
                member.call("group.accept", group=NAME)
            until(lambda: len(self._members()) == self._size)
            ears = Ears(self._others)
            self._founder.call("message.send", chat=f"#{NAME}", text="hello")
            ears.listen(1)
            ears.close()
            time.sleep(3)
            yield

    def _members(self) -> list[object]:
        (group,) = self._founder.call("group.list")["groups"]
        return list(group["members"])

    def round(self) -> Iterator[Sample]:
        """One round of all its metrics."""
        ears = Ears(self._others)
        took = []
        for number in range(1, PACED + 1):
            began = time.perf_counter()
            self._founder.call("message.send", chat=f"#{NAME}", text=text(number))
            took.append(1e3 * (ears.listen(number) - began))
            time.sleep(PAUSE_S)
        writer, began = self._founder.connect(), time.perf_counter()
        writer.write(*(("message.send", {"chat": f"#{NAME}", "text": text(n)}) for n in range(BURST)))
        ended = ears.listen(PACED + BURST)
        writer.close()
        ears.close()
        yield Sample(f"group{self._size}_rate", BURST / (ended - began))
        yield Sample(f"group{self._size}_latency", percentile(took, 0.5))
        yield Sample(f"group{self._size}_lost", sum(PACED + BURST - heard for heard in ears.heard))


if __name__ == "__main__":
    import sys

    rig = Group(int(sys.argv[1]))
    with rig.ready():
        for _ in range(3):
            print({metric: round(value, 2) for metric, value in rig.round()})
