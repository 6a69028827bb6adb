"""Groups of real nodes: how fast messages reach all members, and how fast who was away catches up.

    python -m benchmarks.groups rate 5 10 20      messages per second to all of so many members
    python -m benchmarks.groups away 10000        a member who missed so many

Every message is sealed, signed, committed, indexed and told of at each member; texts have 200 bytes.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.people import Client, Person, befriend, people, text, until

GROUP = "club"


def gather(founder: Person, guests: Sequence[Person]) -> None:
    """A group of all, each of whom has written once, so that everybody has everybody's key."""
    founder.call("group.create", name=GROUP)
    link = founder.call("group.link", group=GROUP, max_uses=1000)["link"]
    for guest in guests:
        guest.call("group.join", link=link)
    everybody = [founder, *guests]
    until(lambda: all(len(_members(one)) == len(everybody) for one in everybody))
    for one in everybody:
        one.call("message.send", chat=f"#{GROUP}", text=f"{one.name} is here")
    until(lambda: all(_read(one) == len(everybody) for one in everybody))


def _members(person: Person) -> list[Any]:
    found: list[Any] = person.call("group.show", group=GROUP)["members"]
    return found


def _read(person: Person) -> int:
    return sum(one["kind"] == "text" for one in _page(person))


def _page(person: Person, limit: int = 200) -> list[Any]:
    found: list[Any] = person.call("message.history", chat=f"#{GROUP}", limit=limit)["messages"]
    return found


def rate(everybody: Sequence[Person], count: int) -> float:
    """Messages per second from the first that one member writes until the last is shown to all others."""
    author, *readers = everybody
    threads = [
        threading.Thread(target=_await_texts, args=(one.connect(), one.cursor, count)) for one in readers
    ]
    for thread in threads:
        thread.start()
    writer = author.connect()
    assert writer
    began = time.perf_counter()
    answers = threading.Thread(target=lambda: [writer.read() for _ in range(count)])
    answers.start()
    writer.write(*(("message.send", {"chat": f"#{GROUP}", "text": text(n)}) for n in range(count)))
    for thread in (answers, *threads):
        thread.join()
    took = time.perf_counter() - began
    writer.close()
    return count / took


def _await_texts(client: Client, since: int, count: int) -> None:
    client.call("events.subscribe", since=since)
    seen: set[bytes] = set()
    while len(seen) < count:
        line = client.read()
        if b'"message.received"' in line and b'"text":"0' in line.replace(b'": "', b'":"'):
            seen.add(line.partition(b'"id"')[2][:60])
    client.close()


def measure_rates(sizes: Sequence[int], count: int = 2000) -> None:
    """Print the rate of groups of these sizes."""
    for size in sizes:
        names = [f"p{number:02}" for number in range(size)]
        with people(*names) as everybody:
            gather(everybody[0], everybody[1:])
            rate(everybody, 200)
            found = [rate(everybody, count) for _ in range(3)]
            print(f"{size} members: {[round(one) for one in found]} messages per second to all", flush=True)


def measure_absence(missed: int) -> None:
    """Print how long a member who missed so many messages needs until he shows the newest, and all."""
    with people("ann", "ben") as (ann, ben):
        befriend(ann, ben)
        gather(ann, [ben])
        ben.stop()
        writer = ann.connect()
        assert writer
        answers = threading.Thread(target=lambda: [writer.read() for _ in range(missed)])
        answers.start()
        writer.write(*(("message.send", {"chat": f"#{GROUP}", "text": text(n)}) for n in range(missed)))
        answers.join()
        used = ann.cpu_s()
        ben.start()
        until(lambda: ben.call("node.status")["peers"], every_s=0.005)
        connected = time.perf_counter()
        newest = text(missed - 1)
        until(lambda: any(one["text"] == newest for one in _page(ben, 5)), every_s=0.02)
        shown = time.perf_counter() - connected
        until(lambda: _unread(ben) >= missed, every_s=0.05)
        took = time.perf_counter() - connected
        memory = ben.process.memory_info().rss / 1e6
        print(
            f"{missed} missed: newest shown after {shown:.2f} s, all after {took:.2f} s of being connected; "
            f"{memory:.0f} MB; CPU {ben.cpu_s():.1f} s, of whom serves {ann.cpu_s() - used:.1f} s",
            flush=True,
        )


def _unread(person: Person) -> int:
    found = [one for one in person.call("chat.list")["chats"] if one["chat"] == f"#{GROUP}"]
    return int(found[0]["unread"]) if found else 0


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    if what == "rate":
        measure_rates([int(number) for number in numbers])
    else:
        measure_absence(int(numbers[0]))
