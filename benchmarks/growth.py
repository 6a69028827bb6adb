"""How the cost of a text grows with the history of the chat and with the number of contacts.

`python -m benchmarks.growth` prints two tables: CPU of the sender and of the receiver for a text in a
burst of 128, and of a look at the chat and at the list of chats, in one process without a network.
"""

from __future__ import annotations

import os

from benchmarks.core import BATCH, Side, contacts, cpu
from benchmarks.people import text
from p2pchat.api import schema as s
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.store import logs, people
from p2pchat.store.transaction import Transaction

HISTORY = (0, 1_000, 10_000, 100_000)
CONTACTS = (10, 100, 1_000, 10_000)
ROUNDS = 3


def costs(ann: Side, ben: Side) -> tuple[float, float, float, float]:
    """µs of CPU to send and to take in a text, ms to open the chat and list all chats; each at its best."""
    sent, taken = [], []
    for _ in range(ROUNDS):
        sent.append(cpu(lambda: ann.write("ben", [text(n) for n in range(BATCH)])))
        taken.append(ann.carry(ben))
    looks = [ben.ask("message.history", s.History(chat="ann", limit=50)) for _ in range(ROUNDS)]
    lists = [ben.ask("chat.list", s.ChatQuery()) for _ in range(ROUNDS)]
    return 1e6 * min(sent) / BATCH, 1e6 * min(taken) / BATCH, 1e3 * min(looks), 1e3 * min(lists)


def add_contacts(side: Side, first: int, count: int) -> None:
    """Let `side` know persons who never say anything."""

    def add(tx: Transaction) -> None:
        for number in range(first, count):
            id = PersonId(SigningKey(os.urandom(32)).public)
            people.add_person(
                tx, people.Person(id, f"someone{number}", "someone", "accepted", False, 0, "", None, 1)
            )
            logs.open_direct(tx, direct_conversation(side.app.person, id), id)

    side.database.transact(add)


def main() -> None:
    """Print both tables."""
    head = (
        "| send, µs | take in, µs | open the chat, ms | list of chats, ms |\n| --- | --- | --- | --- | --- |"
    )
    print(f"| lines in the chat {head}")
    with contacts() as (ann, ben):
        ann.write("ben", [text(0)])
        ann.carry(ben)
        there = 0
        for count in HISTORY:
            for side in (ann, ben):
                side.lengthen(count - there)
            there = count
            show(count, costs(ann, ben))
    print(f"\n| contacts {head}")
    with contacts() as (ann, ben):
        there = 1
        for count in CONTACTS:
            for side in (ann, ben):
                add_contacts(side, there, count)
            there = count
            show(count, costs(ann, ben))


def show(count: int, figures: tuple[float, float, float, float]) -> None:
    """Print a line of a table."""
    sent, taken, look, listed = figures
    print(f"| {count:,} | {sent:.0f} | {taken:.0f} | {look:.2f} | {listed:.2f} |", flush=True)


if __name__ == "__main__":
    main()
