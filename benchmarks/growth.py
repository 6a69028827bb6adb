"""How the cost of a text grows with the history of the chat and with the number of contacts.

CPU of the sender and of the receiver for a text in a burst of 128, and of a look at the chat and at the
list of chats, in one process without a network. `python -m benchmarks.growth` prints the figures alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.core import BATCH, Side, contacts, cpu
from benchmarks.figures import CONTACTS, HISTORY, Sample
from benchmarks.people import text
from p2pchat.api import schema as s
from p2pchat.core.identity import direct_conversation
from p2pchat.core.ids import PersonId
from p2pchat.core.keys import SigningKey
from p2pchat.store import logs, people
from p2pchat.store.transaction import Transaction

ROUNDS = 5


def costs(kind: str, count: int, ann: Side, ben: Side) -> Iterator[Sample]:
    """CPU to send and to take in a text, to open the chat and to list all chats."""
    for _ in range(ROUNDS):
        yield Sample(
            f"{kind}{count}_send",
            1e6 * cpu(lambda: ann.write("ben", [text(n) for n in range(BATCH)])) / BATCH,
        )
        yield Sample(f"{kind}{count}_take", 1e6 * ann.carry(ben) / BATCH)
        yield Sample(f"{kind}{count}_open", 1e3 * ben.ask("message.history", s.History(chat="ann", limit=50)))
        yield Sample(f"{kind}{count}_list", 1e3 * ben.ask("chat.list", s.ChatQuery()))


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


class Growth:
    """The rig of growth: two stores that become larger and larger, so that one round has all samples."""

    system = "p2pchat"

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Nothing is kept between rounds."""
        yield

    def round(self) -> Iterator[Sample]:
        """Several samples of each of its metrics."""
        with contacts() as (ann, ben):
            ann.write("ben", [text(0)])
            ann.carry(ben)
            for before, count in zip((0, *HISTORY), HISTORY, strict=False):
                for side in (ann, ben):
                    side.lengthen(count - before)
                yield from costs("history", count, ann, ben)
        with contacts() as (ann, ben):
            for before, count in zip((1, *CONTACTS), CONTACTS, strict=False):
                for side in (ann, ben):
                    add_contacts(side, before, count)
                yield from costs("contacts", count, ann, ben)


if __name__ == "__main__":
    for metric, value in Growth().round():
        print(f"{metric:24} {value:10.2f}")
